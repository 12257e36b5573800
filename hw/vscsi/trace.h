#include "trace/trace-hw_vscsi.h"
