"""Starts the app on a free port and asks it over HTTP: python3 -m unittest discover tests"""

import json
import os
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any, Optional, Tuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PROJECT = Path(__file__).parent.parent


class App(unittest.TestCase):
    process: "subprocess.Popen[str]"
    address: str

    @classmethod
    def setUpClass(cls) -> None:
        command = [os.environ.get("ROHAS", "rohas"), "run", "--port", "0"]
        cls.process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert cls.process.stdout is not None
        line = cls.process.stdout.readline().strip()
        assert line, "the app did not start"
        cls.address = line.replace("listening on ", "")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.process.terminate()
        cls.process.communicate()

    def call(self, path: str, body: Optional[object] = None) -> Tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, {"content-type": "application/json"})
        try:
            with urlopen(request) as response:
                return response.status, json.load(response)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def test_a_task_that_was_created_is_found(self) -> None:
        status, created = self.call("/tasks", {"title": "Buy milk"})
        self.assertEqual(status, 201)
        self.assertEqual(self.call(f"/tasks/{created['id']}"), (200, created))

    def test_what_does_not_fit_the_schema_never_reaches_a_handler(self) -> None:
        status, body = self.call("/tasks", {"title": ""})
        self.assertEqual(status, 422)
        self.assertEqual(body["errors"][0]["path"], "/body/title")

    def test_a_declared_error_has_its_own_status_and_body(self) -> None:
        self.assertEqual(self.call("/tasks/99"), (404, {"message": "there is no task 99"}))

    def test_the_event_reaches_its_handler(self) -> None:
        self.call("/tasks", {"title": "Read the journal"})
        deadline = time.monotonic() + 10
        while not any(line.endswith("Read the journal") for line in self.call("/journal")[1]):
            self.assertLess(time.monotonic(), deadline, "nothing was written down")
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
