"""The page: what a listening device hears, in a browser, and what people may change there."""
