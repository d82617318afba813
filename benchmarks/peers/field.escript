#!/usr/bin/env escript
%%! +S 1:1 +P 4000000 -start_epmd false
%%
%% The known programs of the actor field, and the plain rows, on one scheduler.
%% Prints "[T]": microseconds for each message, or for each process made.
%%
%%   escript field.escript PROGRAM SIZE
-module(field).
-mode(compile).
-export([main/1]).

-define(RING, 503).
-define(WORKERS, 100).
-define(KEYS, 1000).

main([Program, Size]) ->
    io:format("[~.4f]~n", [program(Program, list_to_integer(Size))]).

timed(Parts, Fun) ->
    Began = erlang:monotonic_time(nanosecond),
    Fun(),
    (erlang:monotonic_time(nanosecond) - Began) / 1000 / Parts.

program("skynet", N) ->
    Me = self(),
    Sum = N * (N - 1) div 2,
    timed(N, fun() ->
        spawn(fun() -> node(0, N, Me) end),
        receive {sum, Sum} -> ok end
    end);
program("ping-pong", N) -> ring(N, 2);
program("thread-ring", N) -> ring(N, ?RING);
program("fork-join", N) ->
    Me = self(),
    timed(N, fun() ->
        [spawn(fun() -> receive work -> Me ! join end, receive stop -> ok end end) ! work || _ <- lists:seq(1, N)],
        join(N)
    end);
program("counting", N) ->
    Me = self(),
    Counting = spawn(fun() -> counting(0) end),
    timed(N, fun() ->
        spawn(fun() -> [Counting ! count || _ <- lists:seq(1, N)], Counting ! {ask, Me} end),
        receive {count, N} -> ok end
    end);
program("big", N) ->
    Me = self(),
    Each = max(1, N div ?WORKERS div 2),
    timed(2 * Each * ?WORKERS, fun() ->
        Talkers = [spawn(fun() -> receive {all, All} -> talker(Each, All, Me) end end) || _ <- lists:seq(1, ?WORKERS)],
        All = list_to_tuple(Talkers),
        [T ! {all, All} || T <- Talkers],
        [T ! pong || T <- Talkers],
        join(?WORKERS)
    end);
program("dictionary", N) ->
    Me = self(),
    Each = max(1, N div ?WORKERS),
    Shelf = spawn(fun() -> shelf(maps:from_list([{K, 0} || K <- lists:seq(0, ?KEYS - 1)])) end),
    timed(Each * ?WORKERS, fun() ->
        [spawn(fun() -> reader(Each, Shelf, Me) end) || _ <- lists:seq(1, ?WORKERS)],
        join(?WORKERS)
    end);
program("call", N) ->
    Server = spawn(fun() -> server(0) end),
    timed(N, fun() -> [call(Server) || _ <- lists:seq(1, N)] end);
program("cast", N) ->
    Server = spawn(fun() -> server(0) end),
    timed(N, fun() -> [Server ! cast || _ <- lists:seq(1, N)], call(Server) end);
program("start", N) ->
    Me = self(),
    timed(N, fun() ->
        [spawn(fun() -> Me ! join, server(0) end) || _ <- lists:seq(1, N)],
        join(N)
    end).

%% skynet

node(First, 1, Parent) -> Parent ! {sum, First};
node(First, N, Parent) ->
    Me = self(),
    Bounds = [First + N * I div 10 || I <- lists:seq(0, 10)],
    Parts = [{Low, High - Low} || {Low, High} <- lists:zip(lists:droplast(Bounds), tl(Bounds)), High > Low],
    [spawn(fun() -> node(Low, Count, Me) end) || {Low, Count} <- Parts],
    Parent ! {sum, sums(length(Parts), 0)}.

sums(0, Total) -> Total;
sums(Left, Total) -> receive {sum, Sum} -> sums(Left - 1, Total + Sum) end.

%% rings

ring(N, Players) ->
    Me = self(),
    First = spawn(fun() -> receive {next, Next} -> player(Next, Me) end end),
    Last = lists:foldl(fun(_, Next) -> spawn(fun() -> player(Next, Me) end) end, First, lists:seq(2, Players)),
    First ! {next, Last},
    timed(N, fun() -> First ! N, receive finished -> ok end end).

player(Next, Main) ->
    receive
        0 -> Main ! finished;
        Left -> Next ! Left - 1, player(Next, Main)
    end.

%% the others

join(0) -> ok;
join(Left) -> receive join -> join(Left - 1) end.

counting(Count) ->
    receive
        count -> counting(Count + 1);
        {ask, From} -> From ! {count, Count}
    end.

talker(Left, All, Main) ->
    receive
        {ping, From} -> From ! pong, talker(Left, All, Main);
        pong when Left =:= 0 -> Main ! join, talker(Left, All, Main);
        pong -> element(rand:uniform(?WORKERS), All) ! {ping, self()}, talker(Left - 1, All, Main)
    end.

shelf(Values) ->
    receive
        {read, Key, From} -> From ! {answer, maps:get(Key, Values)}, shelf(Values);
        {write, Key, Value, From} -> From ! {answer, Value}, shelf(Values#{Key := Value})
    end.

reader(0, _, Main) -> Main ! join;
reader(Left, Shelf, Main) ->
    Key = Left * 7919 rem ?KEYS,
    case Left rem 10 of
        0 -> Shelf ! {write, Key, Left, self()};
        _ -> Shelf ! {read, Key, self()}
    end,
    receive {answer, _} -> reader(Left - 1, Shelf, Main) end.

server(Count) ->
    receive
        cast -> server(Count + 1);
        {call, From, Ref} -> From ! {Ref, Count + 1}, server(Count + 1)
    end.

call(Server) ->
    Ref = monitor(process, Server),
    Server ! {call, self(), Ref},
    receive {Ref, Count} -> demonitor(Ref, [flush]), Count end.
