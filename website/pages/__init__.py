"""The pages that are made from the sources as the site is built: each module yields them as `Page`s."""
