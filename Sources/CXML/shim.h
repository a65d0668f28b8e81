#ifndef CXML_SHIM_H
#define CXML_SHIM_H

// Debian's libxml2 is built with ICU, whose headers clash with those that Foundation brings. The ICU members stand at the end of a structure that we
// only ever hold by pointer, so they are left out.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED

#include <libxml/parser.h>
#include <libxml/SAX2.h>
#include <libxml/xmlerror.h>

#endif
