"""Words that say nothing about a topic, by language; how many of them a text has also tells its language."""

STOP_WORDS: dict[str, frozenset[str]] = {
    "english": frozenset(
        """
        a about above after again against ain't all also am an and any anybody anyone anything are aren't as ask at be
        because been before being below between both but by can can't cannot could couldn't did didn't do does doesn't
        doing don't during each else even ever every everyone everything few for from further get gets getting give go
        goes going gonna got gotta guess had hadn't has hasn't have haven't having he hello help her here here's hers
        herself hey hi him himself his hopefully how how's i i'd i'll i'm i've if into is isn't it it'll it's its
        itself just kind kindly know let let's like likely long lot made make makes many may maybe me might mine more
        most much must my myself need needed needs no nor not now of oh ok okay once one only or other our ours
        ourselves over own perhaps please possible possibly put quite rather really right said same say says see seem
        seems shall she should shouldn't show since so some somebody someone something soon sort still such sure take
        tell than thank thanks that that's the their theirs them themselves then there there's these they they're
        they've thing things think this those though through to today told too try trying under until upon us use used
        using very want wanted wants was wasn't way we we'd we'll we're we've well went were weren't what what's whats
        when when's where where's whether which while who who's whom whose why will with within without won't would
        wouldn't yeah yes yet you you'd you'll you're you've your yours yourself
        """.split()
    ),
    "german": frozenset(
        """
        aber alle alles als also am an auch auf aus bei bekomme bin bis bitte da danke dann das dass dein deine dem
        den denn der des die dies diese diesen dieser dir doch du durch ein eine einem einen einer eines er es etwas
        für geben gibt habe haben hallo hat hatte hier ich ihr ihre im in ist ja jetzt kann kannst kein keine können
        könnte könnten mal man mehr mein meine meinem meinen meiner mich mir mit muss möchte nach nicht noch nun nur
        ob oder schon sein seine sich sie sind so soll sollte über um und uns unser unsere unter vom von vor wann war
        warum was wegen weil wenn wer werde werden wie wieder will wir wird wo wurde zu zum zur
        """.split()
    ),
    "french": frozenset(
        """
        ai alors après as au aussi aux avec avez avoir avons bien bonjour c'est ce ces cet cette chez comme comment
        d'un d'une dans de depuis des dois donc du elle elles en encore es est et eu faire fait faut il ils j'ai je l
        la le les leur lui ma mais me mes moi mon même n'ai n'est ne nos notre nous on ont ou où par pas peut peux
        plus pour pourquoi pouvez pouvoir puis puis-je qu'il quand que quel quelle quelles quels qui quoi sa sans se
        sera ses si son sont suis sur ta tes ton toujours tout tous toute très tu un une va vais veut veux voir vos
        votre voudrais vous y été être d s j n m t qu merci svp
        """.split()
    ),
    "spanish": frozenset(
        """
        a al algo algún alguna ante aquí así aún cada como cómo con cual cuál cuando cuándo cuánto de del desde donde
        dónde dos el él ella en entre era es esa ese eso esta está están estar este esto estoy fue gracias ha hace
        hacer hacia han has hasta hay he hola la las le les lo los más me mi mis mucho muy nada ni no nos nuestro o os
        otra otro para pero poder podría por porque pueda puede pueden puedo que qué quien quién quiero quisiera se
        sea ser si sí sido sin sobre son su sus también te tengo tiene todo tu tus un una uno unos usted ya yo favor
        """.split()
    ),
    "italian": frozenset(
        """
        a ad agli ai al alla alle anche ancora che chi ci ciao co come con cosa così cui da dal dalla dalle dei del
        della delle dello devo di do dopo dove e è ed era essere faccio fare gli grazie ha hai hanno ho i il in io l
        la le lei li lo loro lui ma mi mia miei mie mio molto ne nei nel nella no noi non nostro o ogni ora per perché
        perchè più poi posso può qual quale quali quando quanto quella quello questa questo qui se sei sempre senza si
        sia sono sta sto su sua sue sul sulla suo suoi tra tu tutti tutto un una uno va vi voglio vorrei
        """.split()
    ),
    "portuguese": frozenset(
        """
        a ainda ao aos às até com como da das de dela dele deles depois do dos e é ela ele eles em entre era essa esse
        esta está estão estar este estou eu faço fazer foi fui há isso isto já lhe mais mas me mesmo meu meus minha
        minhas muito na não nas nem no nos nossa nosso num numa o obrigado olá onde os ou para pela pelo por porque
        porquê pode podem posso pra preciso qual quais quando que quem quero se sem ser será seu seus só são sua suas
        também te tem tenho ter teu um uma você vocês vou favor
        """.split()
    ),
    "dutch": frozenset(
        """
        aan af al alle alleen als altijd ben bent bij daar dan dat de der deze die dit doe doen door dus een en er ga
        geen graag haar had hallo heb hebben heeft heel het hem hier hij hoe hun iets ik in is ja je jij jullie kan
        kun kunnen krijg maar me meer met mij mijn moet moeten mogen na naar niet niets nog nu of om omdat onder ons
        onze ook op over te tegen toch toen tot u uit uw van veel via voor waar waarom wanneer want waren was wat we
        wel welke werd wie wij wil willen word worden wordt zal ze zich zij zijn zo zonder zou
        """.split()
    ),
    "russian": frozenset(
        """
        а без более бы был была были было быть в вам вас ваш весь во вот все всё вы где да для до его ее её если есть
        еще ещё же за здравствуйте и из или им их к как какая какие какой ко когда кто куда ли либо лучше меня мне
        можно мой моя мое моё мои моего моей мою моим моих мы на надо нас наш не него нет ни них но ну нужно о об он
        она они оно от очень по под подскажите пожалуйста почему при про с сколько со спасибо так также там те тебя
        тем то того тоже той только том ты у уже хочу чего чем что чтобы эта эти это этого этой этот я могу
        """.split()
    ),
    "arabic": frozenset(
        """
        أريد أن أنا أو أي أين إذا إلى إن الآن التي الذي انا او اي اين اريد على عن عند عندي في قد كل كم كيف لا لقد لكن
        لم لماذا لن له لها لي ليس ما متى مرحبا مع من منذ مني نحن هذا هذه هل هناك هو هي و يا يمكن يمكنني بعد تم شكرا
        فضلك
        """.split()
    ),
    "hindi": frozenset(
        """
        अब अपना अपनी अपने आप आपका इस इसे उस एक और कब कर करना करने करूँ करूं करें का कि किस की कुछ के कैसे को कोई कौन क्या क्यों गई गया
        गयी चाहता चाहती चाहिए जब जा जाता जो तक तो था थी थे दे दें नहीं ने पर बारे भी मुझे में मेरा मेरी मेरे मैं यह यहाँ या ये रहा रही रहे
        लिए वह वे सकता सकती सकते से हम हमारा ही हुआ हुई हूँ हूं है हैं हो होता होती
        """.split()
    ),
    "korean": frozenset(
        """
        감사합니다 거 것 그 나는 내 너무 누가 다시 또 또는 못 무엇 뭐 및 부탁드립니다 부탁합니다 수 싶습니다 싶어요 안
        안녕하세요 어디 어디서 어떤 어떻게 언제 얼마 왜 이 있나요 있는 있습니다 있어요 저 저는 제 제가 좀 주세요 하고
        하나요 하는 하려면 한 할 합니다 해 해요 해주세요 했는데 했어요 되나요 됩니다 돼요
        """.split()
    ),
}

PARTICLES = frozenset({"back", "down", "in", "off", "on", "out", "up"})
"""Words that may close a phrase but not open it, as in "top up" and "log out"."""

GLUE = {
    "english": frozenset(
        """
        a about after an and any at be before being between but by during for from into is it it's its more my of or
        our over the their these this through to under was were with without your
        """.split()
    )
}
"""Stop words that may stand inside a phrase, as in "pay with my card"; others, as in "card if I live", do not."""

OPENS_MORE = frozenset({"in", "on"})
"""Particles that open what follows, where something does: "log in" is a phrase, "card in" of "card in Italy" none."""

DETERMINERS = frozenset(
    "a an another any each every her his its my no our some that the their these this those your".split()
)
"""What a particle that stands before it belongs to: "missing in my account" is no "missing in"."""

CUTS = tuple(
    """
    麻烦 帮我 帮忙 你好 您好
    怎么办 怎么样 怎么 什么 为什么 为何 如何 哪里 可以 能不能 不能 没有 我们 你们 请问 谢谢 时候 一下 需要 想要 还是
    但是 因为 所以 ください 下さい お願いします お願い ですか ますか ました ません します です ます したい たい どこ
    いつ どう なぜ について もう一度 ครับ ค่ะ ของ อยาก ต้องการ ต้อง ช่วย อย่างไร ยังไง เมื่อไหร่ เมื่อไร ทำไม ที่ไหน ไม่ได้ ไม่ ได้ไหม
    หรือ แล้ว ฉัน จะ และ
    """.split()
)
"""What says nothing within a run of characters without blanks, and long enough that it is seldom a part of a word."""

NEVER_OPENS = frozenset("想要的了吗呢吧啊我你您他她它们是和就都也还很把被给请这那哪么什怎ๆ々ー")
"""Characters that no phrase of such a run begins with; nor does it with hiragana, which write Japanese endings."""

NEVER_CLOSES = NEVER_OPENS - set("ๆ々ー") | set("在如为不没想能可要有该をがはにのともでへやかって")
"""Characters that it does not end with."""
