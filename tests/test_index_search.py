"""Searching a store: ranking, filters, hostile queries, duplicates, threads, and the command."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fake_embedder import FakeEmbedder

from index import search as search_module
from index import store as store_module
from index.build import build
from index.database import Database
from index.errors import StoreError
from index.generation import current_generation
from index.manifest import DATABASE
from index.paths import STORE_VARIABLE, default_store, shipped_lectures
from index.scoring import Weights, covered, distinct, fuse, normalised, query_terms
from index.store import Store

PAGES = {
    "gates.md": "# Gates\n\nThe forget gate keeps or drops the old state. The update gate of a GRU mixes both.\n",
    "owls.md": "# Owls\n\nAn owl turns its head, for its eyes stay still. Its feathers make no sound.\n",
    "soup.md": "# Soup\n\nBoil the lentils for half an hour. Salt comes last.\n\n$$ s = 2 l $$\n",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    for course, names in (("nets", ["gates.md"]), ("life", ["owls.md", "soup.md"])):
        (folder / course).mkdir()
        for name in names:
            (folder / course / name).write_text(PAGES[name], encoding="utf-8")
        build([folder / course], folder / "store", embedder=FakeEmbedder())
    return folder / "store"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, embedder=FakeEmbedder()) as opened:
        yield opened


def test_the_best_passage_comes_first_with_its_scores(store: Store) -> None:
    query = "what does the forget gate keep?"
    hits = store.search(query, k=3)
    assert hits[0].passage.locator.source == "gates.md"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].lexical == 1.0
    vector = FakeEmbedder().encode([query])[0]
    for hit in hits:
        assert hit.sentences
        for span in hit.sentences:
            text = hit.passage.text[span.start : span.end]
            assert text == text.strip() != ""
            assert span.score == pytest.approx(float(FakeEmbedder().encode([text])[0] @ vector), abs=2e-3)
        words = covered(query_terms(query), " ".join((*hit.passage.locator.headings, hit.passage.text)))
        best = max(span.score for span in hit.sentences)
        expected = 0.48 * hit.dense + 0.24 * best + 0.15 * hit.lexical + 0.13 * words
        assert hit.score == pytest.approx(expected, abs=1e-5)


def test_only_the_query_is_encoded(path: Path) -> None:
    embedder = FakeEmbedder()
    with Store.open(path, embedder=embedder) as store:
        assert embedder.encoded == []
        store.search("owl")
        embedder.encoded.clear()
        store.search("lentils")
    assert embedder.encoded == ["lentils"]


def test_filters_by_course_and_document(store: Store) -> None:
    assert store.courses() == ("life", "nets")
    assert {hit.passage.course for hit in store.search("gate", k=9, course="life")} == {"life"}
    assert {hit.passage.locator.source for hit in store.search("gate", k=9, documents=["soup.md"])} == {"soup.md"}
    both = store.search("gate", k=9, course="life", documents=["soup.md", "owls.md"])
    assert {hit.passage.locator.source for hit in both} == {"soup.md", "owls.md"}
    assert store.search("gate", documents=[]) == ()
    with pytest.raises(StoreError, match=r"no course 'law'.*life, nets"):
        store.search("gate", course="law")
    with pytest.raises(StoreError, match=r"no document 'gates.md'"):
        store.search("gate", course="life", documents=["gates.md"])


def test_sources_are_listed_for_the_page(store: Store) -> None:
    listed = {info.source: info for info in store.sources()}
    assert set(listed) == set(PAGES)
    assert listed["owls.md"].course == "life"
    assert listed["owls.md"].title == "Owls"
    assert listed["owls.md"].passages == sum(p.locator.source == "owls.md" for p in store.passages())
    assert len(listed["owls.md"].sha256) == 64


@pytest.mark.parametrize(
    "query",
    [
        '"', '""', '" OR "', "owl NEAR(gate, 3)", "owl*", "(((", ")", "body:owl", "-owl", "owl AND", "NOT", "^owl",
        "owl'; DROP TABLE passages; --", "owl\0gate", "\0", "{a b}: owl", "\ud800 owl", "🦉🦉", "ﬁ", "a+b", "_", "%",
        "\\",
    ],
)  # fmt: skip
def test_no_query_reaches_the_syntax_of_the_full_text_table(query: str, store: Store) -> None:
    if query == "\0":
        with pytest.raises(StoreError, match="empty"):
            store.search(query)
    else:
        assert len(store.search(query, k=9)) == len(store)


@pytest.mark.parametrize("term", ['"', 'owl" OR "gate', "owl*", "NEAR(", "body:owl", ""])
def test_a_term_is_looked_up_as_it_stands(term: str, path: Path) -> None:
    with closing(Database(current_generation(path).directory / DATABASE)) as database:
        assert len(database.match([term], 9, None)) == (1 if term in ("owl*",) else 0)
        assert [row for row, _ in database.match([term, "lentils"], 9, None)][-1:] != []


@pytest.mark.parametrize("query", ["", "   ", "\n\t", "\0\0"])
def test_an_empty_query_is_refused(query: str, store: Store) -> None:
    with pytest.raises(StoreError, match="the query is empty"):
        store.search(query)


def test_a_query_of_a_million_characters_is_cut_and_answered(store: Store) -> None:
    assert store.search("owl feathers " * 80_000)[0].passage.locator.source == "owls.md"
    assert store.search("x" * 1_000_000)


def test_near_duplicates_are_shown_once(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    words = " ".join(f"word{number}" for number in range(45))
    for number, text in enumerate([words, words.upper(), words + " more", "quite another word0 text"]):
        (folder / f"{number}.md").write_text(text + "\n", encoding="utf-8")
    build([folder], tmp_path / "store", embedder=FakeEmbedder())
    with Store.open(tmp_path / "store", embedder=FakeEmbedder()) as store:
        found = sorted(hit.passage.text.split()[0].lower() for hit in store.search("word0 word1", k=4))
    assert found == ["quite", "word0"]


def test_many_threads_get_the_same_answers(store: Store) -> None:
    queries = ["forget gate", "owl head", "boil lentils", "salt"] * 25
    alone = {query: store.search(query) for query in set(queries)}
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(store.search, queries)) == [alone[query] for query in queries]


def test_get_and_k_say_what_is_wrong(store: Store) -> None:
    with pytest.raises(StoreError, match="no passage 'nonesuch'"):
        store.get("nonesuch")
    with pytest.raises(ValueError, match="k is 0"):
        store.search("owl", k=0)


def test_there_is_no_store_yet(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .*; run: python -m index\.build --store"):
        Store.open(tmp_path / "none", embedder=FakeEmbedder())


def test_query_terms_leave_out_stop_words_unless_there_is_nothing_else() -> None:
    assert query_terms("What does the forget gate f_t do? FORGET") == ["forget", "gate", "f"]
    assert query_terms("to be or not to be") == ["not"]
    assert query_terms("who is it") == ["who", "is", "it"]
    assert query_terms("?!") == []
    assert len(query_terms(" ".join(map(str, range(1000))))) == 64


def test_the_score_is_the_weighted_sum() -> None:
    one, two, three = (np.array(values, dtype=np.float32) for values in ([1, 0], [0, 1], [0.5, 0.5]))
    found = fuse(one, two, three, Weights(dense=0.5, sentence=0.3, lexical=0.2))
    np.testing.assert_allclose(found, [0.6, 0.4], rtol=1e-6)
    np.testing.assert_allclose(normalised(np.array([2, 1, 0], dtype=np.float32)), [1, 0.5, 0])
    np.testing.assert_allclose(normalised(np.zeros(2, dtype=np.float32)), [0, 0])
    assert sum((Weights().dense, Weights().sentence, Weights().lexical, Weights().words)) == pytest.approx(1)


def test_distinct_keeps_the_first_of_its_kind() -> None:
    assert distinct(["a b c d", "A  b, c d!", "a b c e", "x"], 9) == [0, 2, 3]
    assert distinct(["a", "b", "c"], 2) == [0, 1]
    assert distinct(["$$", "++"], 2) == [0]


def test_the_command_prints_hits_and_json(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "load_embedder", lambda name="": FakeEmbedder())
    assert search_module.main(["Do feathers of an owl make a sound?", "--store", str(path), "-k", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1. owls.md, Owls")
    assert "> Its feathers make no sound." in out
    assert search_module.main(["gate", "--store", str(path), "--json", "--course", "nets"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["hits"][0]["source"] == "gates.md"
    assert found["hits"][0]["rank"] == 1
    assert search_module.main(["caf\udce9 gate", "--store", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.encode("utf-8"))["query"] == "caf? gate"
    assert search_module.main([" ", "--store", str(path)]) == 1
    assert capsys.readouterr().err == "error: the query is empty; ask something\n"


def test_what_the_terminal_cannot_show_is_printed_as_its_escape(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "load_embedder", lambda name="": FakeEmbedder())
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding="ascii", write_through=True))
    assert search_module.main(["Gau\xdf gate", "--store", str(path), "--json"]) == 0
    assert b"Gau\\xdf gate" in printed.getvalue()


def test_the_default_store_follows_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    assert default_store() == tmp_path
    monkeypatch.delenv(STORE_VARIABLE)
    assert default_store().parts[-2:] in ((".glassbox", "store"), ("glassbox", "store"))
    assert shipped_lectures().name == "lectures"


def test_the_material_says_phrases_in_their_order(store: Store) -> None:
    assert store.says("forget gate")
    assert store.says("Forgetting GATES")
    assert not store.says("gate forget")
    assert not store.says("GPT-4")
    assert store.says('owl" OR "') is False


def test_coverage_counts_the_words_of_the_query_that_stand_in_the_text() -> None:
    assert covered(["vanishing", "gradients", "owl"], "The gradient vanishes.") == pytest.approx(2 / 3)
    assert covered([], "anything") == 0.0


def test_faults_name_files_without_their_folder(tmp_path: Path) -> None:
    (tmp_path / "gates.md").write_text(PAGES["gates.md"], encoding="utf-8")
    build([tmp_path / "gates.md"], tmp_path / "store", embedder=FakeEmbedder())
    with Store.open(tmp_path / "store", embedder=FakeEmbedder()) as opened:
        assert opened.faults() == ()
        (current_generation(tmp_path / "store").directory / DATABASE).write_bytes(b"short")
        (fault,) = opened.faults()
    assert fault.startswith(f"{DATABASE} has 5 bytes")
    assert str(tmp_path) not in fault
