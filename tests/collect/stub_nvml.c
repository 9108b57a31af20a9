/* A libnvidia-ml.so.1 without a GPU behind it, for the real pynvml to load. It answers out of the text file that the
 * environment variable NVML_STUB names, one `key=value` a line:
 *
 *   driver=570.124.06   cuda=12080   count=2
 *   0.name=NVIDIA L4    0.capability=8.9   0.total=24152899584   0.free=23000000000   0.uuid=GPU-...   0.bus=...
 *   0.reserved=515899392                                         (what the driver keeps; without it there is no answer)
 *   0.mig=1   0.mig0.name=... 0.mig0.uuid=... 0.mig0.total=... 0.mig0.free=...   0.ecc=1   0.ecc_errors=3   0.mode=3
 *   0.compute=4711:1073741824,4712:-   0.graphics=...            (pid:bytes; `-` is "not available")
 *   nvmlDeviceGetMigMode=3   nvmlDeviceGetMemoryInfo@1=15        (this function fails with this code [for device 1])
 *   nvmlInitWithFlags=hang | crash                               (never returns | kills its process)
 *   lines after a key may not be longer than 255 bytes
 *
 * Built with -DOLD it lacks what drivers of the 450 series lacked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int ret_t;
typedef void *dev_t_;
enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, SMALL = 7 };

static int lookup(const char *key, char *out, size_t size) {
    const char *path = getenv("NVML_STUB");
    FILE *f = path ? fopen(path, "r") : NULL;
    char line[512];
    size_t n = strlen(key);
    int found = 0;
    if (!f) return 0;
    while (!found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, key, n) && line[n] == '=') {
            snprintf(out, size, "%s", line + n + 1);
            found = 1;
        }
    }
    fclose(f);
    return found;
}

static ret_t obey(const char *word) {
    if (!strcmp(word, "hang")) for (;;) pause();
    if (!strcmp(word, "crash")) *(volatile int *)0 = 1;
    return atoi(word);
}

static ret_t gate(const char *function, int device) {
    char key[128], word[64];
    snprintf(key, sizeof key, "%s@%d", function, device);
    if (device >= 0 && lookup(key, word, sizeof word)) return obey(word);
    return lookup(function, word, sizeof word) ? obey(word) : OK;
}

#define GATE(function, device) do { ret_t code_ = gate(function, device); if (code_) return code_; } while (0)

/* A handle is device + 1, or (device + 1) * 100 + instance + 1 for a MIG instance. */
static int index_of(dev_t_ h) { long v = (long)h; return (int)((v >= 100 ? v / 100 : v) - 1); }

static int of(dev_t_ h, const char *name, char *out, size_t size) {
    char key[128];
    long v = (long)h;
    if (v >= 100) snprintf(key, sizeof key, "%ld.mig%ld.%s", v / 100 - 1, v % 100 - 1, name);
    else snprintf(key, sizeof key, "%ld.%s", v - 1, name);
    return lookup(key, out, size);
}

static ret_t text_of(dev_t_ h, const char *name, char *out, unsigned size) {
    char word[256];
    if (!of(h, name, word, sizeof word)) return NOT_SUPPORTED;
    if (strlen(word) + 1 > size) return SMALL;
    strcpy(out, word);
    return OK;
}

const char *nvmlErrorString(ret_t code) { return code == 15 ? "GPU is lost" : code == 18 ? "Driver/library version mismatch" : "stub error"; }
ret_t nvmlInitWithFlags(unsigned flags) { (void)flags; return gate("nvmlInitWithFlags", -1); }
ret_t nvmlInit_v2(void) { return gate("nvmlInitWithFlags", -1); }
ret_t nvmlInit(void) { return gate("nvmlInitWithFlags", -1); }
ret_t nvmlShutdown(void) { return OK; }

ret_t nvmlSystemGetDriverVersion(char *out, unsigned size) {
    GATE("nvmlSystemGetDriverVersion", -1);
    char word[256];
    if (!lookup("driver", word, sizeof word)) return NOT_SUPPORTED;
    snprintf(out, size, "%s", word);
    return OK;
}

ret_t nvmlSystemGetCudaDriverVersion(int *out) {
    char word[64];
    GATE("nvmlSystemGetCudaDriverVersion", -1);
    if (!lookup("cuda", word, sizeof word)) return NOT_SUPPORTED;
    *out = atoi(word);
    return OK;
}
#ifndef OLD
ret_t nvmlSystemGetCudaDriverVersion_v2(int *out) {
    GATE("nvmlSystemGetCudaDriverVersion_v2", -1);
    return nvmlSystemGetCudaDriverVersion(out);
}
#endif

ret_t nvmlDeviceGetCount_v2(unsigned *out) {
    char word[64];
    GATE("nvmlDeviceGetCount_v2", -1);
    *out = lookup("count", word, sizeof word) ? (unsigned)atoi(word) : 0;
    return OK;
}

ret_t nvmlDeviceGetHandleByIndex_v2(unsigned index, dev_t_ *out) {
    GATE("nvmlDeviceGetHandleByIndex_v2", (int)index);
    *out = (dev_t_)(long)(index + 1);
    return OK;
}

ret_t nvmlDeviceGetName(dev_t_ h, char *out, unsigned size) {
    GATE("nvmlDeviceGetName", index_of(h));
    return text_of(h, "name", out, size);
}

ret_t nvmlDeviceGetUUID(dev_t_ h, char *out, unsigned size) {
    GATE("nvmlDeviceGetUUID", index_of(h));
    return text_of(h, "uuid", out, size);
}

struct memory { unsigned long long total, free, used; };
ret_t nvmlDeviceGetMemoryInfo(dev_t_ h, struct memory *out) {
    char word[64];
    GATE("nvmlDeviceGetMemoryInfo", index_of(h));
    if (!of(h, "total", word, sizeof word)) return NOT_SUPPORTED;
    out->total = strtoull(word, NULL, 10);
    out->free = of(h, "free", word, sizeof word) ? strtoull(word, NULL, 10) : out->total;
    out->used = out->total - out->free;
    return OK;
}

#ifndef OLD
struct memory_v2 { unsigned int version; unsigned long long total, reserved, free, used; };
ret_t nvmlDeviceGetMemoryInfo_v2(dev_t_ h, struct memory_v2 *out) {
    char word[64];
    GATE("nvmlDeviceGetMemoryInfo_v2", index_of(h));
    if (!of(h, "reserved", word, sizeof word)) return NOT_SUPPORTED;
    out->reserved = strtoull(word, NULL, 10);
    if (!of(h, "total", word, sizeof word)) return NOT_SUPPORTED;
    out->total = strtoull(word, NULL, 10);
    out->free = of(h, "free", word, sizeof word) ? strtoull(word, NULL, 10) : out->total - out->reserved;
    out->used = out->total - out->reserved - out->free;
    return OK;
}
#endif

ret_t nvmlDeviceGetCudaComputeCapability(dev_t_ h, int *major, int *minor) {
    char word[64];
    GATE("nvmlDeviceGetCudaComputeCapability", index_of(h));
    if (!of(h, "capability", word, sizeof word)) return NOT_SUPPORTED;
    return sscanf(word, "%d.%d", major, minor) == 2 ? OK : INVALID;
}

struct pci { char legacy[16]; unsigned domain, bus, device, ids, subsystem; char id[32]; };
ret_t nvmlDeviceGetPciInfo_v3(dev_t_ h, struct pci *out) {
    GATE("nvmlDeviceGetPciInfo_v3", index_of(h));
    memset(out, 0, sizeof *out);
    return text_of(h, "bus", out->id, sizeof out->id);
}

static ret_t number_of(dev_t_ h, const char *name, unsigned *out) {
    char word[64];
    if (!of(h, name, word, sizeof word)) return NOT_SUPPORTED;
    *out = (unsigned)atoi(word);
    return OK;
}

ret_t nvmlDeviceGetEccMode(dev_t_ h, unsigned *now, unsigned *pending) {
    GATE("nvmlDeviceGetEccMode", index_of(h));
    ret_t code = number_of(h, "ecc", now);
    *pending = *now;
    return code;
}

ret_t nvmlDeviceGetTotalEccErrors(dev_t_ h, unsigned kind, unsigned counter, unsigned long long *out) {
    char word[64];
    GATE("nvmlDeviceGetTotalEccErrors", index_of(h));
    if (kind != 1 || counter != 0) return INVALID;
    if (!of(h, "ecc_errors", word, sizeof word)) return NOT_SUPPORTED;
    *out = strtoull(word, NULL, 10);
    return OK;
}

ret_t nvmlDeviceGetComputeMode(dev_t_ h, unsigned *out) {
    GATE("nvmlDeviceGetComputeMode", index_of(h));
    return number_of(h, "mode", out);
}

#ifndef OLD
ret_t nvmlDeviceGetMigMode(dev_t_ h, unsigned *now, unsigned *pending) {
    GATE("nvmlDeviceGetMigMode", index_of(h));
    ret_t code = number_of(h, "mig", now);
    *pending = *now;
    return code;
}

ret_t nvmlDeviceGetMaxMigDeviceCount(dev_t_ h, unsigned *out) {
    GATE("nvmlDeviceGetMaxMigDeviceCount", index_of(h));
    *out = 7;
    return OK;
}

ret_t nvmlDeviceGetMigDeviceHandleByIndex(dev_t_ h, unsigned index, dev_t_ *out) {
    char key[64], word[256];
    GATE("nvmlDeviceGetMigDeviceHandleByIndex", index_of(h));
    snprintf(key, sizeof key, "mig%u.uuid", index);
    if (!of(h, key, word, sizeof word)) return NOT_FOUND;
    *out = (dev_t_)((long)h * 100 + index + 1);
    return OK;
}
#endif

struct process { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; };
static ret_t running(dev_t_ h, const char *name, unsigned *count, struct process *out) {
    char word[256], *rest = word, *item;
    struct process found[16];
    unsigned n = 0;
    if (!of(h, name, word, sizeof word)) { *count = 0; return OK; }
    while (n < 16 && (item = strsep(&rest, ",")) != NULL) {
        char *colon = strchr(item, ':');
        found[n].pid = (unsigned)atoi(item);
        found[n].used = !colon || colon[1] == '-' ? ~0ull : strtoull(colon + 1, NULL, 10);
        found[n].gpu_instance = found[n].compute_instance = ~0u;
        n++;
    }
    if (*count < n) { *count = n; return SMALL; }
    memcpy(out, found, n * sizeof *found);
    *count = n;
    return OK;
}

#define PROCESSES(kind, key, suffix) \
    ret_t nvmlDeviceGet##kind##RunningProcesses##suffix(dev_t_ h, unsigned *count, struct process *out) { \
        GATE("nvmlDeviceGet" #kind "RunningProcesses" #suffix, index_of(h)); \
        GATE("nvmlDeviceGet" #kind "RunningProcesses", index_of(h)); \
        return running(h, key, count, out); }
PROCESSES(Compute, "compute", _v2)
PROCESSES(Graphics, "graphics", _v2)
#ifndef OLD
PROCESSES(Compute, "compute", _v3)
PROCESSES(Graphics, "graphics", _v3)
#endif
