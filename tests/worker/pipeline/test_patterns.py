import numpy as np
import pytest

from kaizen_worker.pipeline.patterns import KINDS, counted, kinds


def _kind(text):
    coded = kinds([text])
    return coded.names[coded.codes[0]]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("What is my balance", "question"),
        ("my balance?", "question"),
        ("Hi, can I pay with a credit card", "question"),
        ("please tell me how to reset the PIN", "question"),
        ("Do you know the opening hours", "question"),
        ("Write a poem about rain", "creation"),
        ("Could you please draft an e-mail to my landlord?", "creation"),
        ("Compare these two contracts", "analysis"),
        ("hey, can you summarize this text?", "analysis"),
        ("Set an alarm for seven", "command"),
        ("please, cancel my order", "command"),
        ("I lost my card yesterday", "statement"),
        ("what about tomorrow?", "follow_up"),
        ("and in euros", "follow_up"),
        ("And now I want you to tell me the whole history of the town of Ghent", "statement"),
        ("Wie hoch ist mein Kontostand", "question"),
        ("Schreibe einen Brief an die Bank", "creation"),
        ("Compare ces deux contrats", "analysis"),
        ("Cancela mi pedido", "command"),
        ("Como altero o meu endereço", "question"),
        ("Por favor, escreva uma carta ao banco", "creation"),
        ("Confronta questi due contratti", "analysis"),
        ("Dov'è la filiale più vicina", "question"),
        ("Blokkeer mijn pas", "command"),
        ("Hoe wijzig ik mijn adres", "question"),
        ("请问怎么修改密码", "question"),
        ("帮我写一封信", "creation"),
        ("翻译这段话", "analysis"),
        ("我的卡丢了", "statement"),
        ("カードはいつ届きますか？", "question"),  # noqa: RUF001 - as Japanese writes it
        ("どうすれば変更できますか", "question"),
        ("", "statement"),
    ],
)
def test_kinds(text, kind):
    assert _kind(text) == kind


JAPANESE = {
    "question": """
        パスワードを変更する方法を教えてください 送料はいくらですか この商品の在庫はありますか
        返品の期限はいつまででしょうか なぜ支払いが拒否されたのか アプリが起動しないのはなぜ
        ポイントの有効期限を知りたいです 解約すると手数料がかかるの 営業時間は何時までですか
        どうすれば口座を開設できますか
    """,
    "creation": """
        お客様へのお詫びのメールを書いてください 新商品の紹介文を作成してください 秋についての短い詩を書いて
        会議の議題を考えてもらえますか 履歴書の作成をお願いします ロゴをデザインしていただけますか?
        すみませんが、契約書の案を作ってほしいです
    """,
    "analysis": """
        この記事を三行で要約してください 二つのプランを比較してもらえますか? この文章を英語に翻訳して
        売上のデータを分析していただけますか 次の文を添削してください 税金の計算をお願いします
        契約の内容を分かりやすく説明してほしい
    """,
    "command": """
        定期購入をキャンセルしてください 明日の七時に起こして 注文の履歴を見せてください 音楽を再生して
        領収書をメールで送っていただけますか カードの利用を止めてください 予約の変更をお願いします
    """,
    "statement": """
        カードをなくしました ログインできません 説明書をなくしてしまいました 予約が取れません
        作成したファイルが消えました 表示されません 何もできません 住所を変更したい 届いた商品が壊れていました
        いつもお世話になっております
    """,
    "follow_up": """
        それと送料 あと、明日 続けて じゃあ明日は
    """,
}
"""Sentences by their kind; Japanese has no blanks."""


@pytest.mark.parametrize(("text", "kind"), [(text, kind) for kind, texts in JAPANESE.items() for text in texts.split()])
def test_japanese_requests_end_with_what_they_ask(text, kind):
    assert _kind(text) == kind


def test_codes_point_into_the_sorted_kinds():
    coded = kinds(["what", "set it"])
    assert coded.names == KINDS == tuple(sorted(KINDS))
    assert coded.codes.dtype == np.int32


def test_each_interaction_counts_once_with_the_kind_of_its_text():
    texts = ["Compare these two contracts", "Write a poem about rain", "what is my balance"]
    assert counted(kinds(texts), np.array([2, 2, 0, 2], np.int32)) == {"analysis": 1, "question": 3}
