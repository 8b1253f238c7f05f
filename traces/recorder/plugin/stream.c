#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFERED_RECORDS = 1 << 14 };

static struct record buffer[BUFFERED_RECORDS];
static unsigned used;
static int output = -1;

static void flush(void)
{
    const char *at = (const char *)buffer;
    size_t left = used * sizeof *buffer;
    while (left > 0) {
        ssize_t written = write(output, at, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            fprintf(stderr, "recorder: the stream's reader is gone or its disk is full (%s)\n", strerror(errno));
            _exit(3);
        }
        at += written;
        left -= (size_t)written;
    }
    used = 0;
}

void stream_open(const char *path)
{
    output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (output < 0) {
        fprintf(stderr, "recorder: cannot write %s (%s)\n", path, strerror(errno));
        exit(3);
    }
}

struct record *stream_next(void)
{
    if (used == BUFFERED_RECORDS)
        flush();
    struct record *record = &buffer[used++];
    memset(record, 0, sizeof *record);
    return record;
}

void stream_close(void)
{
    flush();
    close(output);
}
