#pragma once
// C that our hot paths are measured beside: the project's own, written to be fast.
#include "Layouts.h"
#include "ReadSide.h"
#include "Search.h"
#include "TLB.h"
#include "Walks.h"
