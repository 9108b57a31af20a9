"""qvl-doctor: says whether a vision-language model server will start here, why not, and the way out."""

__version__ = "0.1.0"
