from docs import write_methods
from kd_keras import losses
from kd_keras.losses import games


def test_the_committed_page_is_what_the_script_writes():
    page = write_methods.TARGET.read_text(encoding="utf-8")
    assert page == write_methods.write(), "Run python docs/write_methods.py"


def test_every_loss_and_game_has_its_entry_and_every_argument_its_words():
    page = write_methods.write()
    for name in losses.names():
        assert f"\n### {name}\n" in page
        assert page.count(f"[`{name}`](#{name})") == 1
        entry = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        for argument in set(losses.arguments(name)) - {"name"}:
            assert f"- `{argument}=" in entry
    for name in games.names():
        assert f"\n### {name}\n" in page


def test_a_docstring_is_read_by_its_headings():
    class Example:
        """A line.

        x + y: no heading.

        Args:
            power: Of x, which is
                explained.

        Public code:
            Wrong.
        """

    sections = write_methods.read_sections(Example)
    assert list(sections) == ["Summary", "Args", "Public code"]
    assert sections["Summary"] == "A line.\n\nx + y: no heading."
    assert sections["Public code"].strip() == "Wrong."
