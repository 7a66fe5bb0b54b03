def handler():
    raise RuntimeError("the database password is hunter2")
