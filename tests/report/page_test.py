import html.parser
import re
from xml.etree import ElementTree

import pytest

from kd_keras import report
from kd_keras.report import page, sections
from kd_keras.report.sections import confusion, logits
from tests.report import samples

XHTML = "{http://www.w3.org/2000/svg}"
FOREIGN = (
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/xlink",
)


@pytest.fixture(scope="module", params=["run", "comparison", "unfinished"])
def content(request):
    if request.param == "run":
        return samples.run_content()
    if request.param == "comparison":
        return samples.comparison_content(missing=("adversarial, seed 1: failed",))
    student = samples.contender("distilled student", "student", errors=())
    return samples.run_content(
        contenders=(student,), control="", judged=None, pictures=(), missing=("No <end>.",)
    )


@pytest.fixture(scope="module")
def described(content):
    return sections.describe_all(content)


@pytest.fixture(scope="module")
def document(content, described):
    return page.render_html(content, described)


@pytest.fixture(scope="module")
def tree(document):
    return ElementTree.fromstring(document)


class Reader(html.parser.HTMLParser):
    """Collects what a browser would see."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def read(document):
    reader = Reader()
    reader.feed(document)
    return reader


def test_the_page_is_well_formed_and_has_one_head(tree, content):
    assert tree.tag == "html"
    assert len(list(tree.iter("h1"))) == 1
    assert tree.find("body/header/h1").text == content.title
    assert tree.find("head/title").text == content.title


def test_the_page_needs_nothing_else(document):
    reader = read(document)
    assert not {"script", "link", "iframe", "object"} & set(reader.tags)
    for tag, name, value in reader.attributes:
        if name in ("src", "href", "xlink:href", "srcset", "data"):
            assert value.startswith(("#", "data:")), (tag, name, value)
    addresses = re.findall(r"https?://[^\s\"'<)]+", document)
    assert set(addresses) <= set(FOREIGN)
    assert "@import" not in document
    assert all(part.startswith("#") for part in re.findall(r"url\(([^)]*)\)", document))


def test_no_name_stands_twice(tree):
    names = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(set(names)) == len(names)


def test_every_link_leads_somewhere(tree, described):
    links = [a.get("href") for a in tree.iter("a")]
    assert links == [f"#{section.name}" for section in described]
    names = {element.get("id") for element in tree.iter()}
    assert {link[1:] for link in links} <= names


def test_every_picture_is_described(tree):
    drawings = list(tree.iter(f"{XHTML}svg"))
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in drawings)
    assert all(image.get("alt") for image in tree.iter("img"))
    captions = [figure.find("figcaption") for figure in tree.iter("figure")]
    assert all(caption is not None for caption in captions)


def test_tables_can_be_scrolled_sideways(tree):
    boxes = [box for box in tree.iter("div") if box.get("class") == "scroll"]
    assert len(boxes) == len(list(tree.iter("table")))
    assert all(box.find("table") is not None and box.get("tabindex") == "0" for box in boxes)


def test_light_and_dark_are_both_there(document):
    assert "prefers-color-scheme: dark" in document
    assert document.count("--student: ") == 2


def test_the_markdown_links_to_its_figures(content, described):
    text = page.render_markdown(content, described)
    drawings = [d for s in described for figure in s.figures for d in figure.drawings]
    links = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text.replace("\\]", ""))
    assert links == [f"report_figures/{drawing.name}.svg" for drawing in drawings]
    assert text.count("\n## ") == len(described) + bool(content.missing)


def test_every_table_of_the_markdown_is_straight(content, described):
    lines = page.render_markdown(content, described).splitlines()
    widths = []
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            if before.startswith("|"):
                assert cells == widths[-1], line
            widths.append(cells)
    assert widths or content.missing


def test_names_stay_text():
    hostile = "<b>cat</b> & $x$"
    content = samples.run_content(title=hostile)
    described = [logits.describe(content), confusion.describe(content)]
    document = page.render_html(content, described)
    assert "<b>cat" not in document
    assert "&lt;b&gt;cat&lt;/b&gt; &amp; $x$" in document
    text = page.render_markdown(content, described)
    assert text.startswith("# &lt;b&gt;cat&lt;/b&gt; &amp; $x$\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a|b", "a\\|b"),
        ("[x](y)", "\\[x\\](y)"),
        ("two\nlines", "two lines"),
        ("*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"),
        (1.5, "1.5"),
    ],
)
def test_what_markdown_takes_for_its_own_is_escaped(value, text):
    assert page._escape_markdown(value) == text


def test_a_command_is_a_block_that_it_cannot_leave():
    assert page._as_code("a") == "```\na\n```"
    assert page._as_code("a ```` b") == "`````\na ```` b\n`````"


def test_the_files_are_written_and_those_of_an_earlier_page_go(tmp_path):
    figures = tmp_path / "report_figures"
    figures.mkdir()
    (figures / "of_old.svg").touch()
    written = report.write_page(samples.run_content(), tmp_path)
    assert written == (tmp_path / "report.html", tmp_path / "report.md")
    assert "<h1>digits &lt;run&gt;</h1>" in written[0].read_text(encoding="utf-8")
    names = {path.name for path in figures.iterdir()}
    assert "of_old.svg" not in names
    assert {"logits.svg", "confusion.svg", "discriminator_loss.svg"} <= names
    for path in figures.iterdir():
        assert "var(--" not in path.read_text(encoding="utf-8")
        ElementTree.parse(path)


def test_what_is_missing_is_said(content, document):
    assert ("What is missing" in document) == bool(content.missing)


def test_a_long_name_may_be_broken_and_stays_text():
    assert page._breakable("a.b_<c> or longer") == "a.<wbr/>b_<wbr/>&lt;c&gt; or longer"
    assert page._breakable("WRN-10-2") == "WRN-10-2"
