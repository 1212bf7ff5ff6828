/* Puts count.bpf.o at the tc ingress of links and answers each line on stdin with the totals as one JSON line.
 * Ends with stdin, and takes the program away again.
 *
 * usage: counter OBJECT LINK... */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 1024

struct total {
	unsigned long long datagrams;
	unsigned long long frames;
};

static struct total per_cpu[CPUS_MAX];

static void die(const char *what, int error)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(error));
	exit(71);
}

static void attach(int program, const char *link)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(link), .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program);
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		die(link, -error);
	error = bpf_tc_attach(&hook, &options);
	if (error)
		die(link, -error);
}

static void detach(const char *link)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(link),
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	bpf_tc_hook_destroy(&hook);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	char line[16];
	int totals, cpus;

	if (argc < 3) {
		fprintf(stderr, "usage: counter OBJECT LINK...\n");
		return 64;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object) < 0)
		die(argv[1], errno);
	program = bpf_object__find_program_by_name(object, "count");
	totals = bpf_object__find_map_fd_by_name(object, "totals");
	cpus = libbpf_num_possible_cpus();
	if (!program || totals < 0 || cpus > CPUS_MAX)
		die(argv[1], EINVAL);
	for (int i = 2; i < argc; i++)
		attach(bpf_program__fd(program), argv[i]);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		struct total sum = { 0 };
		unsigned first = 0;

		if (bpf_map_lookup_elem(totals, &first, per_cpu) < 0)
			die("totals", errno);
		for (int i = 0; i < cpus; i++) {
			sum.datagrams += per_cpu[i].datagrams;
			sum.frames += per_cpu[i].frames;
		}
		printf("{\"datagrams\":%llu,\"frames\":%llu}\n", sum.datagrams, sum.frames);
		fflush(stdout);
	}
	for (int i = 2; i < argc; i++)
		detach(argv[i]);
	return 0;
}
