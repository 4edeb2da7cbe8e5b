"""What docs/migration tells people to write and to run: configurations are checked, commands are known to the program."""

import pathlib
import re
import shlex
import unittest

from server_process import ServerTest, run

PAGES = sorted((pathlib.Path(__file__).resolve().parents[2] / "docs" / "migration").glob("*.md"))


def blocks(page, language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind == language]


class MigrationDocsTests(ServerTest):
    def test_every_configuration_is_a_good_one_and_serves(self):
        self.assertEqual([page.stem for page in PAGES], ["elasticmq", "keda", "localstack"])
        for page in PAGES:
            for text in blocks(page, "toml"):
                config = self.folder / "page.toml"
                config.write_text(text)
                checked = run("check", config)
                self.assertEqual(checked.returncode, 0, f"{page.name}: {checked.stderr}")
                server = self.server(config=config).start()
                self.assertIn("jobs", server.url("jobs"))
                server.stop()
                for path in server.data.iterdir():
                    if path.is_file():
                        path.unlink()

    def test_every_command_is_one_of_ours_with_options_that_it_has(self):
        seen = 0
        for page in PAGES:
            for text in blocks(page, ""):
                for line in text.splitlines():
                    words = shlex.split(line)
                    if words[:1] != ["forewarm"]:
                        continue
                    seen += 1
                    commands = [word for word in words[1:3] if re.fullmatch(r"[a-z]+", word)]
                    helped = run(*commands, "--help")
                    if helped.returncode != 0:  # the second word was not a command
                        helped = run(commands[0], "--help")
                    self.assertEqual(helped.returncode, 0, line)
                    for option in (word for word in words if word.startswith("--")):
                        self.assertIn(option, helped.stdout, line)
        self.assertGreater(seen, 8)

    def test_a_client_that_pointed_at_elasticmq_finds_the_same_urls(self):
        text = blocks(PAGES[0], "toml")[0]
        server = self.server(config=text).start()
        self.assertRegex(server.url("jobs"), r"^http://127\.0\.0\.1:\d+/000000000000/jobs$")
        attributes = server.sqs("GetQueueAttributes", QueueUrl=server.url("jobs"), AttributeNames=["All"])["Attributes"]
        self.assertEqual(attributes["VisibilityTimeout"], "10")
        self.assertIn("jobs-dead", attributes["RedrivePolicy"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
