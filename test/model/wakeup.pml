/* The wakeup of src/relay/queue.ts, as src/relay/ingress.ts (publish) and src/worker/loop.ts use it, for spin: a producer
 * that publishes batches, a consumer that drains and sleeps. Must not be kinder than they are: the consumer cannot know that
 * no more will come, and there is no time, so that a loss which the bounded wait would end after a second is a loss.
 *
 * That Atomics are sequentially consistent is not assumed but built as processors build it: a store goes through a store
 * buffer, which reaches memory when it likes, and a fence waits until it is empty. Without the fence a load may overtake the
 * store before it: that is what release and acquire allow. The exchange is no fence of its own, though x86 makes it one.
 *
 * Broken twins:
 *   NO_SECOND_LOOK      the consumer sets the flag and sleeps
 *   NO_CONSUMER_FENCE   its second look overtakes its store of the flag
 *   NO_PRODUCER_FENCE   the exchange overtakes the store of the tail
 *   CLEAR_AFTER_LOOK    the flag of one sleep is cleared when the next one has set it
 *   CLEAR_AFTER_WRITE   for the exchange: load, write the eventfd, clear
 *   NO_CLEAR            for the exchange: load alone; loses nothing, but wakes once a batch and not once a sleep
 * Changes that break nothing, so that nobody believes the code to rest on them:
 *   CLEAR_AFTER_DRAIN   the flag of one sleep is cleared after the drain, before the next one sets it
 *   CLEAR_BEFORE_WRITE  for the exchange: load, clear, write; enough for one producer alone
 * LIVENESS asks the same differently: in every fair run, all is taken in the end. */

#ifndef BATCHES
#define BATCHES 2
#endif
/* Completions that are no wakeup: sends, orders. */
#ifndef OTHERS
#define OTHERS 2
#endif

bit sleeping;
byte tail;
byte head;                 /* The producer looks at it for room only, which is not part of the wakeup. */
byte published;            /* The tail as the producer means it. */
bool isDone;               /* The producer has nothing more to say. */

/* The consumer's ring. A poll counts edges: a write that comes before the last one was seen joins it. */
bool bell;
bool other;

bool hasWakeup;            /* For the bound alone: somebody undertook to end this sleep. */

chan flagStores = [2] of { bit };
chan tailStores = [2] of { byte };

inline storeFlag(value)
{
	flagStores!value;
#ifndef NO_CONSUMER_FENCE
	empty(flagStores)
#endif
}

inline storeTail(value)
{
	tailStores!value;
#ifndef NO_PRODUCER_FENCE
	empty(tailStores)
#endif
}

active proctype memory()
{
endIdle:
	do
	:: atomic { flagStores?sleeping -> printf("memory: sleeping = %d\n", sleeping) }
	:: atomic { tailStores?tail -> printf("memory: tail = %d\n", tail) }
	od
}

/* ring.wait(0, 0): what is there is taken, all of it. */
inline reap()
{
	d_step { bell = false; other = false }
}

active proctype egress()
{
	byte depth;
	byte some;
#ifdef CLEAR_AFTER_LOOK
	bool isClearDue;
#endif

turn:
	depth = tail - head;
	if
	:: depth == 0
	:: depth == 0 -> reap(); goto turn   /* a nap: it rests and looks again, without the flag */
	:: depth > 0 ->
		/* A bound, or a rule not known yet, may leave some. */
		select(some : 1 .. depth);
		head = head + some;
		printf("egress: took %d\n", some);
		some = 0;
		if
		:: reap()               /* settle: their completions were looked for */
		:: skip
		fi;
		if
		:: reap(); goto turn    /* it knows that there is more, or takes a nap */
		:: skip
		fi
	fi;
#ifdef CLEAR_AFTER_DRAIN
	storeFlag(0);
#endif

	/* fallAsleep */
	hasWakeup = false;
	printf("egress: found nothing more, sets the flag\n");
	storeFlag(1);
#ifndef NO_SECOND_LOOK
	depth = tail - head;
	if
	:: depth == 0 -> printf("egress: second look, nothing\n")
	:: depth > 0 ->
		printf("egress: second look, stays awake\n");
		storeFlag(0);
		reap();
		goto turn
	fi;
#endif
#ifdef CLEAR_AFTER_LOOK
	if
	:: isClearDue -> isClearDue = false; printf("egress: clears the flag\n"); storeFlag(0)
	:: else
	fi;
#endif
	printf("egress: waits\n");

endAsleep:
	/* ring.wait: until a completion is there. */
	atomic {
		bell || other -> bell = false; other = false; printf("egress: wakes\n")
	}
	/* awake */
#if defined(CLEAR_AFTER_LOOK)
	isClearDue = true;
#elif !defined(CLEAR_AFTER_DRAIN)
	storeFlag(0);
#endif
	goto turn
}

active proctype ingress()
{
	byte batch;
	bit wasAsleep;

	do
	:: batch == BATCHES -> break
	:: batch < BATCHES ->
		batch++;
		if
		:: published = published + 1
		:: published = published + 2
		fi;
		/* publish */
		printf("ingress: puts up to %d\n", published);
		storeTail(published);
		/* mustWake */
		d_step {
			wasAsleep = sleeping;
#if !defined(CLEAR_AFTER_WRITE) && !defined(CLEAR_BEFORE_WRITE) && !defined(NO_CLEAR)
			sleeping = 0;
#endif
			printf("ingress: saw sleeping = %d\n", wasAsleep);
			if
			:: wasAsleep -> assert(!hasWakeup); hasWakeup = true
			:: else
			fi
		}
		if
		:: wasAsleep ->
#ifdef CLEAR_BEFORE_WRITE
			sleeping = 0;
#endif
			atomic { bell = true; printf("ingress: writes the eventfd\n") }
#ifdef CLEAR_AFTER_WRITE
			atomic { sleeping = 0; printf("ingress: clears the flag\n") }
#endif
		:: else
		fi;
		wasAsleep = 0
	od;
	isDone = true
}

/* Any number of other completions, none among them: the wakeup must not live on them. */
active proctype elsewhere()
{
	byte others;

	do
	:: atomic { others < OTHERS -> others++; other = true; printf("elsewhere: a completion\n") }
	:: break
	od
}

#ifdef LIVENESS
ltl allIsTaken { <> [] (isDone && head == published) }

/* Time passes when nothing else does: with fairness, spin does not look for the run that stands still. */
active proctype clock()
{
	bit now;

	do
	:: now = 0
	od
}
#else
/* When nobody can go on, nothing may lie in the queue. */
active proctype rest()
{
	timeout -> assert(isDone && head == published)
}
#endif
