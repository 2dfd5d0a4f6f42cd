// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/phone_texts.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* How much of the host's name fits into one part of a text message. */
#define HOST_GSM 40
#define HOST_UCS2 20

static const struct {
	const char *tag;
	int host;
	const char *before, *between, *after; /* the host, the code */
	const char *call, *again, *goodbye;
} languages[] = {
	{ "en-US", HOST_GSM, "Password reset at ", ": code ", ". Nobody from IT will ask for it.",
	  "Your code for the password reset is:", "Once more:", "Nobody from IT will ask for it. Goodbye." },
	{ "de-DE", HOST_GSM, "Kennwort zurücksetzen an ", ": Code ", ". Niemand aus der IT fragt danach.",
	  "Ihr Code zum Zurücksetzen des Kennworts lautet:", "Noch einmal:", "Niemand aus der IT fragt danach. Auf Wiederhören." },
	{ "fr-FR", HOST_GSM, "Mot de passe à réinitialiser sur ", " : code ", ". Personne du service informatique ne le demandera.",
	  "Votre code pour réinitialiser le mot de passe est :", "Je répète :",
	  "Personne du service informatique ne vous le demandera. Au revoir." },
	/* Without ó, á, í and ê, which GSM 03.38 does not have. */
	{ "es-ES", HOST_GSM, "Restablecer clave de acceso en ", ": use ", ". Nadie de soporte se lo va a pedir.",
	  "Su código para restablecer la contraseña es:", "Lo repito:", "Nadie de soporte se lo va a pedir. Adiós." },
	{ "pt-BR", HOST_GSM, "Redefinir a senha em ", ": use ", ". Ninguém da TI vai pedir isso.",
	  "Seu código para redefinir a senha é:", "Repetindo:", "Ninguém da TI vai pedir esse código. Até logo." },
	{ "ja-JP", HOST_UCS2, "", "のパスワード再設定コード: ", "。IT担当者がお尋ねすることはありません。",
	  "パスワード再設定のコードは次のとおりです。", "繰り返します。", "IT担当者がお尋ねすることはありません。失礼いたします。" },
	{ "zh-CN", HOST_UCS2, "", " 密码重置验证码：", "。IT人员绝不会索要。", "您的密码重置验证码是：", "重复一遍：",
	  "IT人员绝不会向您索要。再见。" },
	{ "ar", HOST_UCS2, "إعادة كلمة المرور ", ": ", ". لن يطلبه منك أحد.", "رمز إعادة تعيين كلمة المرور هو:", "مرة أخرى:",
	  "لن يطلب منك أحد من قسم تقنية المعلومات هذا الرمز. مع السلامة." },
};

/* The language alone decides: whoever has another Portuguese or Chinese still reads this one better than English. */
unsigned int phone_language(const char *locale)
{
	size_t len = locale ? strcspn(locale, "_.@-") : 0;

	for (unsigned int i = 0; len > 0 && i < ARRAY_SIZE(languages); i++)
		if (strcspn(languages[i].tag, "-") == len && strncmp(languages[i].tag, locale, len) == 0)
			return i;
	return 0;
}

const char *phone_language_tag(unsigned int language)
{
	return language < ARRAY_SIZE(languages) ? languages[language].tag : NULL;
}

/* "7, 3, 9": with commas between them they are read one by one. */
static void apart(const char *code, char *ret, size_t size)
{
	size_t at = 0;

	for (; *code && at + 4 < size; code++)
		at += (size_t)snprintf(ret + at, size - at, "%s%c", at ? ", " : "", *code);
}

static void spoken(unsigned int language, const char *code, struct job *ret)
{
	char digits[3 * JOB_CODE] = "";

	apart(code, digits, sizeof(digits));
	snprintf(ret->body, sizeof(ret->body), "%s\n%s\n%s\n%s\n%s", languages[language].call, digits, languages[language].again,
		 digits, languages[language].goodbye);
	explicit_bzero(digits, sizeof(digits));
}

void text_code_phone(const struct flow_rules *rules, enum job_channel channel, unsigned int language, const char *code,
		     struct job *ret)
{
	ret->channel = channel;
	snprintf(ret->lang, sizeof(ret->lang), "%s", languages[language].tag);
	snprintf(ret->code, sizeof(ret->code), "%s", code);
	if (channel == CHANNEL_VOICE)
		spoken(language, code, ret);
	else
		snprintf(ret->body, sizeof(ret->body), "%s%.*s%s%s%s", languages[language].before, languages[language].host,
			 rules->host, languages[language].between, code, languages[language].after);
}
