def handler():
    while True:  # never comes back: at the time limit the interpreter is replaced
        pass
