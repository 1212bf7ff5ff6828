/* What the relays in C of this folder have in common: their command lines, memberships and connected outputs. */
#ifndef PEER_H
#define PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define OUTPUTS_MAX 64
#define FLOWS_MAX 256
#define SOCKET_ROOM (8 << 20)

struct place {
	struct in_addr group, link;
	int port;
};

static void die_of(const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
	exit(71);
}

static void die(const char *what)
{
	die_of(what, errno);
}

static struct place parse(const char *text)
{
	char group[32], link[32];
	struct place place;

	if (sscanf(text, "%31[^:]:%d:%31s", group, &place.port, link) != 3) {
		fprintf(stderr, "%s: not GROUP:PORT:LINK_ADDRESS: %s\n", program_invocation_short_name, text);
		exit(64);
	}
	place.group.s_addr = inet_addr(group);
	place.link.s_addr = inet_addr(link);
	return place;
}

static void join(int fd, struct place place)
{
	struct ip_mreq wish = { .imr_multiaddr = place.group, .imr_interface = place.link };

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &wish, sizeof(wish)) < 0)
		die("membership");
}

/* A socket connected to the output's port + flow. */
static int open_output(struct place place, int flow)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = place.group };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = SOCKET_ROOM;

	to.sin_port = htons((unsigned short)(place.port + flow));
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &place.link, sizeof(place.link)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("output");
	return fd;
}

#endif
