"""The smallest words of some languages and the letters that speak for them, by which `language` tells texts apart."""

# ruff: noqa: RUF001 - letters of other scripts are what this file is about

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "cs": "a aby ale ano bude být byl co do dostat já je jeho její ji jak jako jen jestli jsem jsme jsou již k kde kdy kdo která které který má mám máte mi mé moje musí můj může můžete my na nebyl není nebo není o od pro proč při s se si tak to v ve za ze že",
    "da-no": "af alle at av ble blev da de den der det du efter eller en er et etter for fra få før har hun hva hvad hver hvis hvor ikke ingen jeg kan kunne med meg men mig min mitt mit noe noen noget nogen nå og også om på skal som til uden uten ut var ved vi vil være",
    "de": "aber als am an auch auf aus bei bin das dass dem den der des die dies diese durch ein eine einem einen einer es für habe haben hat ich im in ist kann kein keine können man mein meine mich mir mit nach nicht noch nur oder sie sich sind so über um und von war warum was wenn werden wie wir wird wurde zu zum zur",
    "en": "a about all am an and any are as at be been but by can could did do does for from had has have he her his how i if in is it its me my no not of on or our please she should so some than that the their them there they this to up us was we what when where which who why will with would you your",
    "es": "al algo como con cuando de del desde donde el ella en entre era es esta está este esto estoy hay ha hace hasta la las le lo los mas más me mi muy no nos o para pero por porque puede puedo que qué se ser si sin sobre son su sus también tengo tiene un una uno y ya yo",
    "fi": "anna ei eikä että en ehkä hän ilman ja jo joka joita jonka jos jota kaikki kanssa koska kuin kun käytä me minun minä miksi mitä mukaan mutta myös ne niin nyt olen ole oli olla on onko ovat saa se sen sinä sitä tai tee tällä tämä tämän vain vielä voi voinko voida",
    "fr": "à ai au aux avec avez bien ce ces cette comme dans de des du elle en est et être fait il ils j'ai je l'on la le les leur lui ma mais me mes moi mon n'est ne nous on ont ou où par pas peut plus pour pourquoi qu'il que quel qui sa sans se ses si son sont sur très tu un une vos votre vous y",
    "hu": "a az azt csak de egy el ez ezt hogy ha ki kell kérem lehet meg még mi mint már nagyon nem nincs s vagy van volt és",
    "id": "ada adalah akan aku anda apa atau bagaimana bisa bukan dalam dan dapat dari dengan di dia ini itu jika karena ke kami kita lebih mereka oleh pada saat saya sebagai sudah telah tidak untuk yang",
    "it": "a ai al alla anche che chi ci come con cosa da dal dei del della delle di dove e era è gli ha ho i il in io la le lo loro ma mi mia mio nel nella non o per perché più può quando questa questo se sei si sia sono su sua suo un una",
    "nl": "aan als bij dan dat de der deze die dit door een en er geen had heb hebben heeft het hoe hun ik in is je kan maar me meer met mijn naar niet nog nu of om onder ook op over te tot uit van veel voor waar was wat we werd wij wordt worden ze zich zijn zo zou",
    "pl": "a aby ale bez bo być było czy dla do gdy i ich ja jak jako jednak jest jestem już każdy kiedy która które który mam mnie może moje na nie o od po przez przy się są tak tego też to tylko tym w we z za ze że",
    "pt": "a ao aos as até com como da das de do dos e é ela ele em entre era essa esse esta está este eu foi há isso já mais mas me meu minha muito na não nas nem no nos o os ou para pela pelo por porque posso qual quando que quem se sem ser seu sua são também tem um uma você",
    "ro": "a acest ai al ale am ar are au ca care ce cel cu cum da dar de din e este eu fi fie fost în într la mai mea meu nu o pe pentru poate prin sa sau se si sunt să și un unei unui",
    "sv": "af att av blev de den denna det dig din du där efter eller en ett från få för han har hon hur i inte jag kan man med mig min mitt mycket måste men ni nu när och också om på sig sin ska skulle som så till upp ut var varför vi vid vill är över",
    "tr": "ama bana bir bu da daha de değil en gibi için ile ise kadar ki mi mı mu ne neden nasıl o olan olarak olduğu sonra şu var ve veya ya yok çok",
    "vi": "anh bạn các cho chúng có của cũng đã để đến đi được hay không khi là làm lại mà một này người nhưng những như ở ra rất sao sẽ thì tôi trong từ và về với",
    "ru": "а без был была было быть в вам вас вы да для до его ее если есть еще же за и из или к как когда ли меня мне мой моя мы на не нет но о он она они от по почему при с со так то только что чтобы это этот я",
    "uk": "а або але без був була було бути в вам ви від для до з за зі і його її й коли мене мені мій ми можна на не немає ні про та так те то у це цей чи чому що щоб як який я є",
    "bg": "а ако аз беше в ви да до за и из или има как като който ли ме ми може мога на не но от по при с са се след съм така това те той тя че ще",
}  # fmt: skip
"""The smallest and most frequent words of languages in Latin and Cyrillic letters."""

LETTERS = {
    "cs": "ěřů", "da-no": "æøå", "de": "ßüäö", "es": "ñ¿¡", "hu": "őű", "pl": "łąęćńśźż", "pt": "ãõ", "ro": "șțăşţ", "sv": "åäö",
    "tr": "ğış", "vi": "đơưạảấầẩậắằặẹẻẽếềểễệỉịọỏốồổộớờởợụủứừửữự", "uk": "іїєґ", "ru": "ыэё", "bg": "ъ", "fi": "äö", "fr": "çœ",
}  # fmt: skip
"""Letters that speak for a language."""
