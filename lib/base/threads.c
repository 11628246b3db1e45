#include "base/threads.h"

#include <omp.h>

void cb_threads_set(int n) { omp_set_num_threads(n > 0 ? n : omp_get_max_threads()); }
int cb_threads(void) { return omp_get_max_threads(); }
