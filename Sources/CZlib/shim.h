// zlib, for answers compressed with gzip.
#include <zlib.h>
