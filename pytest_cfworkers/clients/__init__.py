"""Where HTTP libraries are met: one thin file each, over one shared life cycle of a request."""
