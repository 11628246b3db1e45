/* version.h - the version that artifacts record. */
#ifndef CB_BASE_VERSION_H
#define CB_BASE_VERSION_H
#define CB_VERSION "0.1.0"
#endif
