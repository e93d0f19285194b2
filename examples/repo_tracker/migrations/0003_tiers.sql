ALTER TABLE repositories ADD COLUMN tier TEXT NOT NULL DEFAULT 'cold' CHECK (tier IN ('hot', 'warm', 'cold'));

-- A page of a tier is a range of this index: the rows of an index are in the order of the ids.
CREATE INDEX repositories_by_tier ON repositories (tier, id);
