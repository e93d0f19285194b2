"""What a user reads about broken rules: all of that prose, one file for each kind of what is used."""
