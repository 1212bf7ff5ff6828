/* Prints abi.h back as text, so that TypeScript can compare. */
#include "abi.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

_Static_assert(sizeof(struct mcr_piece) == sizeof(struct iovec), "a piece is an iovec");
_Static_assert(offsetof(struct mcr_piece, size) == offsetof(struct iovec, iov_len), "a piece is an iovec");

static char text[8192];

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	size_t used = strlen(text);
	va_list values;

	va_start(values, format);
	vsnprintf(text + used, sizeof(text) - used, format, values);
	va_end(values);
}

cstring mcr_abi(void)
{
	text[0] = 0;

#define FIELD(type, field) say("  %s %s %zu\n", #type, #field, offsetof(THIS, field));
#define STRUCT(name, FIELDS) {                                                \
		typedef struct name THIS;                                     \
		say("struct %s %zu\n", #name, sizeof(THIS));                  \
		FIELDS(FIELD)                                                 \
	}
	MCR_STRUCTS(STRUCT)
#define EXPORT(returns, name, ...) say("%s %s(%s)\n", #returns, #name, #__VA_ARGS__);
	MCR_EXPORTS(EXPORT)
	return text;
}
