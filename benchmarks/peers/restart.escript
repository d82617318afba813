#!/usr/bin/env escript
%%! +S 1:1 -start_epmd false
%%
%% Laps of a supervised process, one_for_one: from the line before the error to
%% the first line of the next init. Prints "[1.25,...]", in microseconds.
%%
%%   escript restart.escript LAPS
%%
%% A supervisor keeps the times of its restarts in a list and goes through it at
%% each restart, so there is a new one after every hundred. Crash reports are made,
%% as everywhere in this comparison, and written nowhere.
-module(restart).
-mode(compile).
-export([main/1, init/1, start_link/2, life/2]).

-define(EACH, 100).

main([Laps]) ->
    process_flag(trap_exit, true),
    ok = logger:remove_handler(default),
    Began = atomics:new(1, []),
    Times = laps(list_to_integer(Laps), Began),
    io:format("[~s]~n", [lists:join(",", [io_lib:format("~.3f", [T / 1000]) || T <- Times])]).

laps(Left, _) when Left =< 0 -> [];
laps(Left, Began) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, [self(), Began]),
    {Pid, _} = up(),
    Times = restarts(Pid, min(Left, ?EACH), Began),
    unlink(Supervisor),
    exit(Supervisor, shutdown),
    Times ++ laps(Left - ?EACH, Began).

restarts(_, 0, _) -> [];
restarts(Pid, Left, Began) ->
    Pid ! fall,
    {Next, Up} = up(),
    [Up - atomics:get(Began, 1) | restarts(Next, Left - 1, Began)].

up() ->
    receive {up, Pid, Time} -> {Pid, Time} end.

init([Observer, Began]) ->
    Child = #{id => life, start => {?MODULE, start_link, [Observer, Began]}},
    {ok, {#{strategy => one_for_one, intensity => 1000, period => 1}, [Child]}}.

start_link(Observer, Began) ->
    proc_lib:start_link(?MODULE, life, [Observer, Began]).

life(Observer, Began) ->
    Up = erlang:monotonic_time(nanosecond),
    proc_lib:init_ack({ok, self()}),
    Observer ! {up, self(), Up},
    receive
        fall ->
            atomics:put(Began, 1, erlang:monotonic_time(nanosecond)),
            error(fall)
    end.
