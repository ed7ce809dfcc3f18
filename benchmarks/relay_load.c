/* Load for the relay benchmark: both ends of the connections in one process, cheap enough not to be the bottleneck.
 *
 *   relay_load bulk  STATION_PORT RELAY_PORT SECONDS   -> bytes, seconds
 *   relay_load ping  STATION_PORT RELAY_PORT SECONDS   -> round trips, median ns, 99th percentile ns
 *   relay_load conn  STATION_PORT RELAY_PORT SECONDS   -> connections, median ns of connect + one trip + close
 *   relay_load idle  STATION_PORT RELAY_PORT COUNT     -> "open" when COUNT connections are up; ends with its standard input
 *   relay_load stall STATION_PORT RELAY_PORT COUNT     -> the same, and the station has sent to each until nothing more goes
 *   relay_load spin                                    -> keeps a CPU from halting, at SCHED_IDLE (a halted virtual CPU takes
 *                                                         milliseconds to wake, and nothing could be compared)
 *
 * The station sends the ready byte 0x01 first, except for "conn". RELAY_PORT may be STATION_PORT: no relay.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BULK (256 * 1024)
#define MESSAGE 64
#define MOST_SAMPLES 4000000

static int listener;
static char block[BULK];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void no_delay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void open_station(int port) {
    int on = 1;
    struct sockaddr_in address = loopback(port);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) fail("station");
}

static int visit(void) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) fail("accept");
    no_delay(fd);
    return fd;
}

static int connect_to(int port) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    no_delay(fd);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    return fd;
}

static int read_all(int fd, char *to, size_t count) {
    for (size_t got = 0; got < count;) {
        ssize_t n = recv(fd, to + got, count - got, 0);
        if (n <= 0) return 0;
        got += (size_t)n;
    }
    return 1;
}

static void *station_bulk(void *unused) {
    int fd = visit();
    (void)unused;
    send(fd, "\1", 1, MSG_NOSIGNAL);
    while (send(fd, block, BULK, MSG_NOSIGNAL) > 0) {
    }
    close(fd);
    return NULL;
}

static void *station_echo(void *unused) {
    char message[MESSAGE];
    int fd = visit();
    (void)unused;
    send(fd, "\1", 1, MSG_NOSIGNAL);
    while (read_all(fd, message, MESSAGE)) send(fd, message, MESSAGE, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void *station_answers(void *unused) {
    char message[MESSAGE];
    (void)unused;
    for (;;) {
        int fd = visit();
        if (read_all(fd, message, MESSAGE)) send(fd, message, MESSAGE, MSG_NOSIGNAL);
        read_all(fd, message, 1);
        close(fd);
    }
    return NULL;
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_times(uint32_t *samples, size_t count) {
    qsort(samples, count, sizeof *samples, by_size);
    printf("%zu %u %u\n", count, count ? samples[count / 2] : 0, count ? samples[count * 99 / 100] : 0);
}

static void bulk(int port, double seconds) {
    pthread_t station;
    uint64_t total = 0, begin, end;
    char first;
    pthread_create(&station, NULL, station_bulk, NULL);
    int fd = connect_to(port);
    if (!read_all(fd, &first, 1)) fail("ready byte");
    begin = now_ns();
    end = begin + (uint64_t)(seconds * 1e9);
    while (now_ns() < end) {
        /* MSG_TRUNC drops the bytes in the kernel: the receiver must be cheap. */
        ssize_t n = recv(fd, block, BULK, MSG_TRUNC);
        if (n <= 0) fail("recv");
        total += (uint64_t)n;
    }
    printf("%llu %.9f\n", (unsigned long long)total, (double)(now_ns() - begin) / 1e9);
    close(fd);
}

static void ping(int port, double seconds) {
    pthread_t station;
    char message[MESSAGE] = {0}, first;
    uint32_t *samples = malloc(MOST_SAMPLES * sizeof *samples);
    size_t count = 0;
    pthread_create(&station, NULL, station_echo, NULL);
    int fd = connect_to(port);
    if (!read_all(fd, &first, 1)) fail("ready byte");
    for (uint64_t end = now_ns() + (uint64_t)(seconds * 1e9); now_ns() < end && count < MOST_SAMPLES;) {
        uint64_t begin = now_ns();
        send(fd, message, MESSAGE, MSG_NOSIGNAL);
        if (!read_all(fd, message, MESSAGE)) fail("echo");
        samples[count++] = (uint32_t)(now_ns() - begin);
    }
    print_times(samples, count);
    close(fd);
}

static void conn(int port, double seconds) {
    pthread_t station;
    char message[MESSAGE] = {0};
    uint32_t *samples = malloc(MOST_SAMPLES * sizeof *samples);
    size_t count = 0;
    pthread_create(&station, NULL, station_answers, NULL);
    for (uint64_t end = now_ns() + (uint64_t)(seconds * 1e9); now_ns() < end && count < MOST_SAMPLES;) {
        uint64_t begin = now_ns();
        int fd = connect_to(port);
        send(fd, message, MESSAGE, MSG_NOSIGNAL);
        if (!read_all(fd, message, MESSAGE)) fail("answer");
        close(fd);
        samples[count++] = (uint32_t)(now_ns() - begin);
    }
    print_times(samples, count);
}

static void many(int port, int count, int fill) {
    int *ends = calloc((size_t)count, sizeof *ends);
    char first;
    for (int i = 0; i < count; i++) {
        int fd = connect_to(port);
        ends[i] = visit();
        send(ends[i], "\1", 1, MSG_NOSIGNAL);
        if (!fill && !read_all(fd, &first, 1)) fail("ready byte");
    }
    /* A relay goes on moving bytes for a while: send until three rounds in a row found every socket full. */
    for (int idle = 0; fill && idle < 3;) {
        int moved = 0;
        for (int i = 0; i < count; i++)
            while (send(ends[i], block, BULK, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) moved = 1;
        idle = moved ? 0 : idle + 1;
        usleep(50000);
    }
    printf("open\n");
    fflush(stdout);
    while (getchar() != EOF) {
    }
}

static void spin(void) {
    struct sched_param none = {0};
    if (sched_setscheduler(0, SCHED_IDLE, &none)) fail("SCHED_IDLE");
    for (;;) {
    }
}

int main(int argc, char **argv) {
    struct rlimit files = {65536, 65536};
    if (argc == 2 && !strcmp(argv[1], "spin")) spin();
    if (argc != 5) return fprintf(stderr, "relay_load bulk|ping|conn|idle|stall STATION_PORT RELAY_PORT N\n"), 2;
    if (setrlimit(RLIMIT_NOFILE, &files)) {
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    open_station(atoi(argv[2]));
    int port = atoi(argv[3]);
    double amount = atof(argv[4]);
    if (!strcmp(argv[1], "bulk")) bulk(port, amount);
    else if (!strcmp(argv[1], "ping")) ping(port, amount);
    else if (!strcmp(argv[1], "conn")) conn(port, amount);
    else if (!strcmp(argv[1], "idle")) many(port, (int)amount, 0);
    else if (!strcmp(argv[1], "stall")) many(port, (int)amount, 1);
    else return 2;
    return 0;
}
