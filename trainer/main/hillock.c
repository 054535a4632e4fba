/* hillock.c - the command; everything is in the library. */
#include "hillock/hillock.h"

int main(int argc, char **argv) { return hk_main(argc, argv); }
