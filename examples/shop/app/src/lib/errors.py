"""The errors that apis declare in `errors:`; the class name is what the schema names."""


class NotFound(Exception):
    pass
