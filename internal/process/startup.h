#pragma once

// Whether standard output was closed when the process began.
extern int clusir_stdout_closed;
