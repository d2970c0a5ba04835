"""BM25 over numbered texts, in RAM: what a folder of documents and the knowledge base are searched with.

Texts become terms by one analyzer, on both sides; a query is the OR of its terms, built term by term, so that nothing
in it is read as query syntax. Scores are rounded and ties go to the lower number: the same texts give the same answer.
Removed texts weigh on the frequency of terms until the index is built anew; they are never found.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log1p
from typing import cast

import tantivy
from tantivy import Filter, Occur, Query, TextAnalyzerBuilder, Tokenizer

MAX_TERMS = 64
"""Distinct terms of a query that are looked at, the first ones."""

_K1 = 1.2  # the engine's own, with b = 0.75; it keeps the factor k1 + 1
_LONGEST_TERM = 60
_HEAP = 64_000_000  # bytes that a batch may take before it is flushed
_DIGITS = 6
_BODY, _ROW, _ANALYZER = "body", "row", "english"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a query comes down to: stems in order of appearance, and idf of each (0 or more)."""

    stems: tuple[str, ...]
    idf: tuple[float, ...]

    @property
    def mass(self) -> float:
        """Sum of the idf."""
        return sum(self.idf)

    @property
    def bound(self) -> float:
        """No text can score more by BM25: sum of idf times k1 + 1."""
        return self.mass * (_K1 + 1)


class Lexical:
    """An index that grows and shrinks by batches; one writer at a time.

    Belongs to the process that made it: the engine keeps threads, so make it after a fork.
    """

    def __init__(self) -> None:
        self._analyzer = _analyzer()
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field(_ROW, indexed=True, fast=True)
        builder.add_text_field(_BODY, tokenizer_name=_ANALYZER, index_option="freq")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        self._index.register_tokenizer(_ANALYZER, self._analyzer)

    def update(self, added: Iterable[tuple[int, str]], *, removed: Sequence[int] = ()) -> None:
        """Take texts in under numbers never used before, and others out; both or neither become visible."""
        writer = self._index.writer(_HEAP, 1)
        if removed:
            writer.delete_documents_by_query(Query.term_set_query(self._schema, _ROW, list(removed)))
        for row, text in added:
            document = tantivy.Document()
            document.add_unsigned(_ROW, row)
            document.add_text(_BODY, text)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def reader(self) -> "Reader":
        """The index as it is now; later batches don't change what it finds."""
        return Reader(self._index.searcher(), self._schema, self._analyzer)


@dataclass(frozen=True, slots=True)
class Reader:
    """One state of an index; any number of threads may read it."""

    _searcher: tantivy.Searcher
    _schema: tantivy.Schema
    _analyzer: tantivy.TextAnalyzer

    def terms(self, text: str) -> Terms:
        """The query's distinct terms with ln(1 + (N - n + 0.5) / (n + 0.5)), n of N texts having the term."""
        stems = tuple(dict.fromkeys(self._analyzer.analyze(text)))[:MAX_TERMS]
        total = self._searcher.num_docs
        counts = [min(self._searcher.doc_freq(_BODY, stem), total) for stem in stems]
        return Terms(stems, tuple(log1p((total - count + 0.5) / (count + 0.5)) for count in counts))

    def best(self, terms: Terms, *, limit: int, without: Sequence[int] = ()) -> list[tuple[int, float]]:
        """The numbers of the best texts with BM25 / bound (0..1), the best first.

        Args:
            terms: The query.
            limit: Most texts.
            without: Numbers that must not be found.
        """
        clauses = [(Occur.Should, query) for query in self._queries(terms)]
        if not clauses or limit < 1:
            return []
        if without:
            clauses.append((Occur.MustNot, self._rows(without)))
        return sorted(self._run(clauses, limit, terms.bound), key=lambda hit: (-hit[1], hit[0]))

    def scores(self, terms: Terms, rows: Sequence[int]) -> dict[int, float]:
        """BM25 / bound (0..1) of just these texts, 0 where a text has none of the terms."""
        clauses = [(Occur.Should, query) for query in self._queries(terms)]
        if not clauses or not rows:
            return {}
        only = (Occur.Must, Query.const_score_query(self._rows(rows), 0.0))
        return dict(self._run([only, *clauses], len(rows), terms.bound))

    def coverage(self, terms: Terms) -> float:
        """Largest share of the query's idf mass that one text has (0..1); a term that no text has counts as missing."""
        found = self._run(self._weighted(terms), 1, terms.mass) if terms.stems else iter(())
        return max((share for _, share in found), default=0.0)

    def share(self, terms: Terms, row: int) -> float:
        """The same of just this text."""
        only = (Occur.Must, Query.const_score_query(self._rows([row]), 0.0))
        found = self._run([only, *self._weighted(terms)], 1, terms.mass) if terms.stems else iter(())
        return max((share for _, share in found), default=0.0)

    def _weighted(self, terms: Terms) -> list[tuple[Occur, Query]]:
        weighted = zip(terms.idf, self._queries(terms), strict=True)
        return [(Occur.Should, Query.const_score_query(query, idf)) for idf, query in weighted]

    def _queries(self, terms: Terms) -> Iterator[Query]:
        return (Query.term_query(self._schema, _BODY, stem, "freq") for stem in terms.stems)

    def _rows(self, rows: Sequence[int]) -> Query:
        return Query.term_set_query(self._schema, _ROW, list(rows))

    def _run(self, clauses: list[tuple[Occur, Query]], limit: int, bound: float) -> Iterator[tuple[int, float]]:
        hits = self._searcher.search(Query.boolean_query(clauses), limit, count=False).hits
        rows = cast("list[int]", self._searcher.fast_field_values(_ROW, [address for _, address in hits]))
        for row, (score, _) in zip(rows, hits, strict=True):
            yield row, min(round(score / bound, _DIGITS), 1.0)


def _analyzer() -> tantivy.TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_TERM))
    return builder.filter(Filter.lowercase()).filter(Filter.ascii_fold()).filter(Filter.stemmer("english")).build()
