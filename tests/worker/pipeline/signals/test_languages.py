"""What people would write in each language is caught, and what they write of other things is not."""
# ruff: noqa: RUF001 - Chinese and Japanese have question marks and commas of their own

import pytest

from kaizen_worker.pipeline.signals.phrases import languages, plain
from kaizen_worker.pipeline.signals.sayings import read_queries, read_responses

REFUSALS = {
    "en": ["Sorry, I couldn't find anything about this.", "I am not able to help with that request."],
    "de": ["Dazu liegen mir leider keine Angaben vor.", "Da kann ich Ihnen leider nicht weiterhelfen."],
    "es": ["Lo siento, no he encontrado nada sobre ese tema.", "Por desgracia no puedo ayudarte con eso."],
    "fr": ["Désolé, je n’ai pas trouvé de réponse.", "Je ne suis pas en mesure de vous renseigner là-dessus."],
    "pt": ["Desculpe, não encontrei nada sobre isso.", "Infelizmente não posso ajudar com esse assunto."],
    "it": ["Mi dispiace, non ho trovato nulla in merito.", "Purtroppo non sono in grado di aiutarti."],
    "nl": ["Sorry, daar heb ik geen informatie over.", "Ik kan u hier helaas niet bij helpen."],
    "zh": ["抱歉，我没有找到相关的内容。", "很遗憾，这个问题我无法回答。", "抱歉，我無法提供這項資訊。"],
    "ja": [
        "申し訳ございませんが、該当する情報が見つかりませんでした。",
        "恐れ入りますが、その件にはお答えできません。",
    ],
}
BACK = {
    "en": ["Which account do you mean?"],
    "de": ["Um welche Karte geht es?", "Könnten Sie Ihre Frage bitte anders formulieren?"],
    "es": ["¿Podrías especificar de qué cuenta se trata?", "¿Qué tarjeta es?"],
    "fr": ["Pourriez-vous préciser votre demande ?", "De quelle carte s'agit-il ?"],
    "pt": ["Você poderia explicar melhor o que precisa?", "Qual cartão?"],
    "it": ["Potrebbe specificare di quale carta si tratta?", "Quale conto?"],
    "nl": ["Kunt u iets specifieker zijn?", "Om welke rekening gaat het?"],
    "zh": ["请问您是指哪张卡？", "您能提供更多信息吗？"],
    "ja": ["もう少し詳しく教えていただけますか？", "どのカードでしょうか？"],
}
REJECTIONS = {
    "en": ["That's not what I was asking", "nope", "it still doesn't work", "no change, output is exactly as before"],
    "de": [
        "Das beantwortet meine Frage nicht",
        "Nein, ich meinte die Kreditkarte",
        "klappt leider nicht",
        "hab ich schon versucht",
    ],
    "es": ["No, eso no es lo que pregunté", "sigue sin funcionar", "no me sirve", "ya lo probé y nada"],
    "fr": ["C’est pas ce que je demande", "ça marche toujours pas", "non, rien à voir", "j'ai déjà essayé"],
    "pt": ["Não foi isso que eu perguntei", "continua sem funcionar", "isso está errado", "já tentei isso"],
    "it": ["Non è quello che ho chiesto", "continua a non funzionare", "l'ho già fatto", "non hai capito"],
    "nl": ["Dat is niet wat ik vroeg", "het werkt nog steeds niet", "nee, dat bedoel ik niet", "dat klopt niet"],
    "zh": ["我问的不是这个", "还是不行", "你没明白我的意思", "没有解决我的问题", "答非所問"],
    "ja": [
        "聞きたいのはそれじゃないです",
        "まだ動きません",
        "違います",
        "質問の答えになっていません",
        "もう試しました、でも同じエラーです",
    ],
}
THANKS = {
    "en": ["great, thank you"],
    "de": ["Super, vielen Dank!"],
    "es": ["¡Perfecto, muchas gracias!"],
    "fr": ["Merci beaucoup"],
    "pt": ["Obrigada, deu certo!"],
    "it": ["Grazie mille, risolto"],
    "nl": ["Dank je wel, het werkt"],
    "zh": ["谢谢，搞定了"],
    "ja": ["ありがとうございます、できました"],
}
CALLS = {
    "en": ["I want to speak to a person"],
    "de": ["Ich möchte mit einem Mitarbeiter sprechen"],
    "es": ["Quiero hablar con un agente"],
    "fr": ["Je veux parler à un conseiller"],
    "pt": ["Quero falar com um atendente"],
    "it": ["Vorrei parlare con un operatore"],
    "nl": ["Ik wil met een medewerker praten"],
    "zh": ["请帮我转人工"],
    "ja": ["オペレーターと話したいです"],
}
QUESTIONS = {
    "en": ["No one answers the phone at my branch", "My card still has not arrived", "how do I reset my password"],
    "de": [
        "Meine Karte funktioniert im Ausland nicht",
        "Wie ändere ich meine Adresse?",
        "Meine Karte ist immer noch nicht da",
    ],
    "es": ["No puedo entrar en mi cuenta", "Mi tarjeta todavía no ha llegado", "No me llega el código de verificación"],
    "fr": ["Ma carte n'est toujours pas arrivée", "Comment changer mon adresse ?", "Je n'arrive pas à me connecter"],
    "pt": ["Não consigo entrar no aplicativo", "Meu cartão ainda não chegou", "Como altero o meu endereço?"],
    "it": ["Non riesco ad accedere al conto", "La mia carta non funziona all'estero", "Come cambio indirizzo?"],
    "nl": [
        "Mijn pas is nog steeds niet aangekomen",
        "Hoe wijzig ik mijn adres?",
        "Inloggen lukt niet op mijn telefoon",
    ],
    "zh": ["我的卡还没有收到", "怎么修改密码", "账单金额不对，应该怎么查询", "这张卡在国外用不了"],
    "ja": ["カードがまだ届きません", "パスワードを変更したい", "アプリにログインできません", "請求額が明細と違います"],
}
ANSWERS = {
    "en": "You can change the limit in the settings, under security.",
    "de": "Das Limit ändern Sie in den Einstellungen unter Sicherheit.",
    "es": "Puedes cambiar el límite en los ajustes, en seguridad. ¿Necesitas algo más?",
    "fr": "Vous pouvez modifier le plafond dans les paramètres, rubrique sécurité.",
    "pt": "Você pode alterar o limite nas configurações, em segurança. Posso ajudar em algo mais?",
    "it": "Può modificare il limite nelle impostazioni, alla voce sicurezza.",
    "nl": "U wijzigt de limiet bij de instellingen, onder beveiliging. Kan ik u verder helpen?",
    "zh": "您可以在设置的安全选项中修改限额。还有其他问题吗？",
    "ja": "設定のセキュリティから限度額を変更できます。他にご質問はございますか？",
}


def _each(lists):
    return [pytest.param(text, id=f"{language}-{text}") for language, texts in lists.items() for text in texts]


def test_every_language_has_every_list_and_is_tested():
    kinds = {language: set(lists) for language, lists in languages().items()}
    assert all(own == kinds["en"] for own in kinds.values())
    for tested in (REFUSALS, BACK, REJECTIONS, THANKS, CALLS, QUESTIONS, ANSWERS):
        assert set(tested) == set(languages())


@pytest.mark.parametrize("text", _each(REFUSALS))
def test_a_refusal(text):
    said = read_responses([text])
    assert (said["refusal"][0], said["clarification"][0]) == (True, False)


@pytest.mark.parametrize("text", _each(BACK))
def test_a_question_back(text):
    said = read_responses([text])
    assert (said["clarification"][0], said["asks"][0], said["refusal"][0]) == (True, True, False)


@pytest.mark.parametrize("text", list(ANSWERS.values()), ids=list(ANSWERS))
def test_an_answer_is_neither(text):
    said = read_responses([text])
    assert (said["refusal"][0], said["clarification"][0]) == (False, False)


@pytest.mark.parametrize("text", _each(REJECTIONS))
def test_a_rejection(text):
    said = read_queries([text])
    assert said.rejects[0] or said.opens[0] or (said.bare[0] and said.empty[0])
    assert not said.thanks[0]


@pytest.mark.parametrize("text", _each(THANKS))
def test_thanks(text):
    said = read_queries([text])
    assert (said.thanks[0], said.empty[0], said.rejects[0], said.opens[0]) == (True, True, False, False)


@pytest.mark.parametrize("text", _each(CALLS))
def test_a_call_for_a_person(text):
    assert read_queries([text]).escalates[0]


@pytest.mark.parametrize("text", _each(QUESTIONS))
def test_a_question_of_its_own_says_nothing_of_the_answer_before(text):
    said = read_queries([text])
    flags = (said.rejects, said.opens, said.thanks, said.escalates, said.empty)
    assert [flag[0] for flag in flags] == [False] * 5


def test_forms_of_the_same_character_are_the_same():
    assert plain("De\u0301sole\u0301") == plain("Désolé")
    assert plain("ＯＫ１") == plain("ok1")  # full width, as Japanese keyboards write it
    assert plain("重置PIN码") == " 重 置 pin 码 "
