#!/usr/bin/env escript
%%! +S 1:1 +P 262144 -kernel logger_level none -start_epmd false
%%
%% Differential oracle: runs supervision scenarios on the real OTP `supervisor`
%% and on Elixir's `DynamicSupervisor`, and prints what happened as JSON.
%%
%%   escript oracle.escript [--clock virtual|real] [--elixir EBIN] IN.jsonl > OUT.jsonl
%%   escript oracle.escript --version
%%
%% IN holds one scenario a line (README.md has the format), OUT one trace a line.
%% With "-" for IN, scenarios come from standard input and each is answered before
%% the next is read, so that a caller can keep one Erlang for many questions.
%% EBIN is the directory of Elixir's compiled modules; without it, it is looked
%% for beside the program `elixir`.
%% With --clock virtual (the default) the one call of erlang:monotonic_time(1) in
%% each of the two modules is redirected to vtime/1; every other instruction of
%% theirs is the code that is installed on this machine.
-module(oracle).
-mode(compile).
-export([main/1, init/1, vtime/1]).
-export([start_worker/1, start_sup/1, start_dyn/3, worker_init/2, worker_die/0]).

-define(DYN, 'Elixir.DynamicSupervisor').
-define(CLOCK_BASE_MS, 1000000).
-define(STEP_LIMIT_MS, 20000).

%% ------------------------------------------------------------------ main

main(["--version"]) ->
    Stdlib = lists:last(filename:split(code:lib_dir(stdlib))),
    add_elixir(elixir_ebin()),
    _ = application:load(elixir),
    {ok, Elixir} = application:get_key(elixir, vsn),
    io:format("Erlang/OTP ~s, ~s, Elixir ~s~n", [erlang:system_info(otp_release), Stdlib, Elixir]);
main(Args) ->
    {Opts, [In]} = options(Args, #{clock => virtual}),
    Clock = maps:get(clock, Opts),
    add_elixir(case Opts of #{elixir := Dir} -> Dir; _ -> elixir_ebin() end),
    tables(Clock),
    case Clock of
        virtual -> lists:foreach(fun patch_clock/1, [supervisor, ?DYN]);
        real -> ok
    end,
    register(recorder, spawn_link(fun() -> recorder([], #{}, #{}) end)),
    process_flag(trap_exit, true),
    ok = io:setopts([binary, {encoding, unicode}]),
    case In of
        "-" -> serve();
        _ ->
            {ok, Bin} = file:read_file(In),
            lists:foreach(fun answer/1, binary:split(Bin, <<"\n">>, [global]))
    end.

serve() ->
    case io:get_line("") of
        eof -> ok;
        Line -> answer(string:trim(Line)), serve()
    end.

answer(<<>>) -> ok;
answer(Line) -> io:put_chars([enc(run(dec(Line))), $\n]).

options(["--clock", C | T], O) -> options(T, O#{clock := list_to_existing_atom(C)});
options(["--elixir", D | T], O) -> options(T, O#{elixir => D});
options(Rest, O) -> {O, Rest}.

add_elixir(Ebin) ->
    true = code:add_patha(Ebin),
    case code:which(?DYN) of
        non_existing -> stop("no Elixir in " ++ Ebin ++ "; say --elixir EBIN");
        _ -> ok
    end.

%% bin/elixir and lib/elixir/ebin are siblings in every packaging of Elixir, once
%% the links to bin/elixir are followed.
elixir_ebin() ->
    case os:find_executable("elixir") of
        false -> stop("no program `elixir` on the PATH; install it, or say --elixir EBIN");
        Program ->
            Home = filename:dirname(filename:dirname(follow(Program))),
            Dirs = [filename:join([Home, "lib", "elixir", "ebin"]), filename:join([Home, "ebin"])],
            case lists:filter(fun filelib:is_dir/1, Dirs) of
                [Ebin | _] -> Ebin;
                [] -> stop("no lib/elixir/ebin beside " ++ Program ++ "; say --elixir EBIN")
            end
    end.

follow(Path) ->
    case file:read_link_all(Path) of
        {ok, Target} -> follow(flat(filename:split(filename:absname(Target, filename:dirname(Path))), []));
        {error, _} -> Path
    end.

flat([".." | T], [_ | Up]) -> flat(T, Up);
flat([Name | T], Up) -> flat(T, [Name | Up]);
flat([], Up) -> filename:join(lists:reverse(Up)).

stop(Why) ->
    io:put_chars(standard_error, ["oracle: ", Why, $\n]),
    halt(2).

tables(Clock) ->
    _ = [ets:new(T, [named_table, public]) || T <- [o_starts, o_pids, o_last, o_conf, o_clock, o_hold]],
    ets:insert(o_clock, [{mode, Clock}, {now_ms, ?CLOCK_BASE_MS}]).

%% ---------------------------------------------------------- virtual clock

%% Whole seconds, rounded down, as erlang:monotonic_time(1) gives them.
vtime(1) ->
    [{_, Ms}] = ets:lookup(o_clock, now_ms),
    Ms div 1000.

patch_clock(Mod) ->
    File = code:which(Mod),
    {ok, {_, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(File, [abstract_code]),
    put(patched, 0),
    Forms1 = redirect(Forms),
    1 = erase(patched),
    {ok, Mod, Code} = compile:forms(Forms1, []),
    code:unstick_dir(filename:dirname(File)),
    {module, Mod} = code:load_binary(Mod, File, Code),
    ok.

redirect({call, L, {remote, R, {atom, _, erlang}, {atom, _, monotonic_time}}, [{integer, _, 1}] = A}) ->
    put(patched, get(patched) + 1),
    {call, L, {remote, R, {atom, R, ?MODULE}, {atom, R, vtime}}, A};
redirect(T) when is_tuple(T) -> list_to_tuple(redirect(tuple_to_list(T)));
redirect([H | T]) -> [redirect(H) | redirect(T)];
redirect(X) -> X.

advance(Ms) ->
    case ets:lookup(o_clock, mode) of
        [{_, virtual}] -> ets:update_counter(o_clock, now_ms, Ms);
        [{_, real}] -> timer:sleep(Ms)
    end,
    ok.

%% --------------------------------------------------------------- recorder
%% Starts are stamped by the process that starts, exits by the VM's trace at the
%% beginning of the exit (before any exit signal is sent), both from the one
%% strictly monotonic counter: sorting by stamp gives an order that agrees with
%% cause and effect whatever the scheduling.

recorder(Events, Known, Failed) ->
    receive
        {reg, {From, Ref}, Pid, Path, N, U} ->
            erlang:trace(Pid, true, [procs, strict_monotonic_timestamp]),
            From ! {Ref, ok},
            recorder([{U, {start, Path, N}} | Events], Known#{Pid => {Path, N}}, Failed);
        {ev, U, {start_failed, Path, N} = E} ->
            recorder([{U, E} | Events], Known, Failed#{{Path, N} => true});
        {ev, U, E} ->
            recorder([{U, E} | Events], Known, Failed);
        {trace_ts, Pid, exit, Reason, {_, U}} when is_map_key(Pid, Known) ->
            {Path, N} = maps:get(Pid, Known),
            recorder([{U, {exit, Path, N, class(Reason)}} | Events], Known, Failed);
        {count, {From, Ref}} ->
            From ! {Ref, length(Events)},
            recorder(Events, Known, Failed);
        {drain, {From, Ref}} ->
            Sorted = [E || {_, E} <- lists:sort(Events), not failed_exit(E, Failed)],
            From ! {Ref, Sorted},
            recorder([], Known, Failed);
        {reset, {From, Ref}} ->
            From ! {Ref, ok},
            recorder([], #{}, #{});
        _ ->
            recorder(Events, Known, Failed)
    end.

%% A supervisor whose children could not be started is reported once, as
%% start_failed by its parent; the end of its process is not an event of its own.
failed_exit({exit, Path, N, _}, Failed) -> is_map_key({Path, N}, Failed);
failed_exit(_, _) -> false.

ask(What) ->
    Ref = make_ref(),
    recorder ! {What, {self(), Ref}},
    receive {Ref, Reply} -> Reply end.

reg(Path, N, Kind) ->
    U = erlang:unique_integer([monotonic]),
    ets:insert(o_pids, {self(), Path, N, Kind}),
    ets:insert(o_last, {Path, self()}),
    Ref = make_ref(),
    recorder ! {reg, {self(), Ref}, self(), Path, N, U},
    receive {Ref, ok} -> ok end.

event(E) ->
    recorder ! {ev, erlang:unique_integer([monotonic]), E},
    ok.

traces_in() ->
    Ref = erlang:trace_delivered(all),
    receive {trace_delivered, all, Ref} -> ok end.

class(normal) -> normal;
class(shutdown) -> shutdown;
class({shutdown, {failed_to_start_child, _, _}}) -> shutdown_failed_start;
class({shutdown, _}) -> shutdown_term;
class(killed) -> killed;
class(noproc) -> noproc;
class(_) -> error.

%% ------------------------------------------------- what the children run

next_n(Path) -> ets:update_counter(o_starts, Path, 1, {Path, 0}).

fails(#{path := Path} = C) ->
    N = next_n(Path),
    Hit = lists:member(N, maps:get(fail_on, C, []))
        orelse (is_integer(maps:get(fail_from, C, null)) andalso N >= maps:get(fail_from, C)),
    {N, Hit}.

start_worker(#{path := Path} = C) ->
    {N, Hit} = fails(C),
    case {held(Path), Hit} of
        {no, true} -> fail(maps:get(fail_how, C, <<"error">>), Path, N);
        {no, false} -> begin_worker(C, N);
        {<<"ready">>, _} -> begin_worker(C, N);
        {How, _} -> fail(How, Path, N)
    end.

begin_worker(C, N) ->
    {ok, Pid} = proc_lib:start_link(?MODULE, worker_init, [C, N]),
    case maps:get(info, C, false) of
        true -> {ok, Pid, info};
        false -> {ok, Pid}
    end.

%% A slow start: the supervisor is inside the child's start function, as it is
%% inside proc_lib:start_link while a child's init takes its time, until the
%% script says how the start goes on.
held(Path) ->
    case ets:take(o_hold, Path) of
        [] -> no;
        [_] ->
            ets:insert(o_hold, {begun, self()}),
            receive {go_on, Path, How} -> How end
    end.

fail(<<"ignore">>, Path, N) -> event({ignored, Path, N}), ignore;
fail(How, Path, N) ->
    event({start_failed, Path, N}),
    case How of
        <<"error">> -> {error, oracle_start};
        <<"bad_return">> -> oracle_start;
        <<"raise">> -> erlang:error(oracle_start);
        _ -> proc_lib:start_link(?MODULE, worker_die, []) % exit, kill
    end.

worker_die() -> exit(oracle_start).

worker_init(#{path := Path} = C, N) ->
    How = maps:get(on_shutdown, C, <<"obey">>),
    How =:= <<"obey">> orelse process_flag(trap_exit, true),
    reg(Path, N, worker),
    proc_lib:init_ack({ok, self()}),
    worker_loop(hd(get('$ancestors')), How).

worker_loop(Parent, How) ->
    receive
        {crash, Reason} -> exit(Reason);
        {'EXIT', Parent, _} ->
            case How of
                <<"ignore">> -> worker_loop(Parent, How);
                <<"slow">> -> timer:sleep(15), exit(shutdown);
                <<"exit_normal">> -> exit(normal);
                <<"exit_term">> -> exit({shutdown, oracle});
                <<"exit_error">> -> exit(oracle_stop)
            end;
        _ -> worker_loop(Parent, How)
    end.

start_dyn(SupPath, Template, #{key := Key} = C) ->
    start_worker((maps:merge(Template, C))#{path => join(SupPath, Key)}).

start_sup(#{path := Path} = C) ->
    case fails(C) of
        {N, true} -> fail(maps:get(fail_how, C, <<"error">>), Path, N);
        {N, false} ->
            Res = case C of
                      #{strategy := <<"dynamic">>} -> ?DYN:start_link(?MODULE, {dyn, C, N}, []);
                      _ -> supervisor:start_link(?MODULE, {sup, C, N})
                  end,
            case Res of
                {ok, Pid} -> {ok, Pid};
                {error, R} -> event({start_failed, Path, N}), {error, R}
            end
    end.

init({dyn, #{path := Path} = C, N}) ->
    reg(Path, N, sup),
    Max = case maps:get(max_children, C, null) of null -> infinity; M -> M end,
    {ok, (flags(C))#{strategy := one_for_one, max_children => Max, extra_arguments => []}};
init({sup, #{path := Path, strategy := <<"simple_one_for_one">>, template := T} = C, N}) ->
    reg(Path, N, sup),
    ets:insert(o_conf, {Path, C}),
    Spec = (spec(Path, T#{id => <<"template">>}))#{start => {?MODULE, start_dyn, [Path, T]}},
    {ok, {flags(C), [Spec]}};
init({sup, #{path := Path} = C, N}) ->
    reg(Path, N, sup),
    {ok, {flags(C), [spec(Path, X) || X <- maps:get(children, C, [])]}}.

flags(C) ->
    ets:insert(o_conf, {maps:get(path, C), C}),
    F = [{strategy, fun atom/1}, {intensity, fun id/1}, {period, fun id/1},
         {auto_shutdown, fun atom/1}],
    maps:from_list([{K, Conv(maps:get(K, C))} || {K, Conv} <- F, is_map_key(K, C)]).

spec(SupPath, C0) ->
    C = case C0 of #{id := Id} when is_binary(Id) -> C0#{path => join(SupPath, Id)}; _ -> C0 end,
    Kind = maps:get(kind, C, <<"worker">>),
    {Fun, Type} = case Kind of
                      <<"worker">> -> {start_worker, worker};
                      <<"supervisor">> -> {start_sup, supervisor}
                  end,
    Base = #{start => {?MODULE, Fun, [C]}, type => Type},
    Opt = [{id, fun id/1}, {restart, fun atom/1}, {shutdown, fun atom/1},
           {significant, fun id/1}],
    lists:foldl(fun({K, Conv}, Acc) ->
                        case C of
                            #{K := V} when V =/= null -> Acc#{K => Conv(V)};
                            _ -> Acc
                        end
                end, Base, Opt).

atom(B) when is_binary(B) -> binary_to_atom(B);
atom(X) -> X.
id(X) -> X.
join(A, B) -> <<A/binary, "/", B/binary>>.

%% ---------------------------------------------------------------- running

run(S) ->
    Id = maps:get(id, S),
    Root = maps:get(tree, S),
    _ = [ets:delete_all_objects(T) || T <- [o_starts, o_pids, o_last, o_conf, o_hold]],
    ask(reset),
    ets:insert(o_clock, {now_ms, ?CLOCK_BASE_MS + maps:get(phase_ms, S, 0)}),
    RootConf = Root#{path => <<"root">>},
    Started = start_sup(RootConf),
    First = report(start, norm_start(Started)),
    {Steps, Final} = case Started of
        {ok, Pid} -> steps(Pid, maps:get(steps, S), [First]);
        {error, _} -> {[First], #{root => failed}}
    end,
    cleanup(),
    #{id => Id, steps => Steps, final => Final}.

steps(Root, Steps, Acc) ->
    case {is_process_alive(Root), Steps} of
        {false, _} ->
            Reason = receive {'EXIT', Root, R} -> class(R) after 1000 -> unknown end,
            {lists:reverse(Acc), #{root => dead, reason => Reason, skipped => length(Steps)}};
        {true, []} ->
            {lists:reverse(Acc), #{root => alive}};
        {true, [#{op := Op} = Step | Rest]} ->
            Result = step(Op, Step),
            steps(Root, Rest, [report(Op, Result) | Acc])
    end.

report(Op, Result) ->
    quiesce(),
    Events = [tuple_to_list(E) || E <- ask(drain)],
    #{op => Op, result => Result, events => Events, state => snapshot()}.

step(<<"advance">>, #{ms := Ms}) -> advance(Ms), [ok];
step(<<"crash">>, #{target := T, reason := R}) -> crash(T, R);
step(<<"stop">>, S) -> await(spawn_stop(S));
step(<<"slow_restart">>, #{target := T, reason := R, held := Held, meanwhile := Items, go_on := How}) ->
    ets:insert(o_hold, {Held}),
    _ = crash(T, R),
    case begins() of
        none ->
            ets:delete_all_objects(o_hold),
            [skip];
        Sup ->
            Results = [begin Res = meanwhile(Item), settle(), Res end || Item <- Items],
            ets:delete_all_objects(o_hold),
            Sup ! {go_on, Held, How},
            [ok, [await(Res) || Res <- Results]]
    end;
step(<<"batch">>, #{sup := Path, items := Items}) ->
    case live(Path) of
        none -> [skip];
        Sup ->
            ok = sys:suspend(Sup, infinity),
            Results = batch(Sup, Path, Items, 0),
            ok = sys:resume(Sup, infinity),
            [ok, [await(R) || R <- Results]]
    end;
step(Op, S) ->
    Path = maps:get(sup, S, <<"root">>),
    case live(Path) of
        none -> [exit, noproc];
        Sup -> await(spawn_api(Op, Sup, Path, S))
    end.

%% Everything in a batch is in the supervisor's mailbox, in this order, before
%% the supervisor looks at the first of it.
batch(_, _, [], _) -> [];
batch(Sup, Path, [#{op := <<"crash">>, target := T, reason := R} | Rest], Q) ->
    case parent(T) =:= Path andalso live(T) of
        Pid when is_pid(Pid) ->
            Res = crash(T, R),
            mailbox(Sup, Q + 1),
            [Res | batch(Sup, Path, Rest, Q + 1)];
        _ -> [[skip] | batch(Sup, Path, Rest, Q)]
    end;
batch(Sup, Path, [#{op := Op} = S | Rest], Q) ->
    Call = spawn_api(Op, Sup, Path, S),
    mailbox(Sup, Q + 1),
    [Call | batch(Sup, Path, Rest, Q + 1)].

mailbox(Sup, N) ->
    case process_info(Sup, message_queue_len) of
        {_, L} when L >= N -> ok;
        _ -> erlang:yield(), mailbox(Sup, N)
    end.

%% The supervisor that has come to the slow start; none, if all is quiet without.
begins() ->
    Me = self(),
    Ref = make_ref(),
    Waiter = spawn(fun() -> quiesce(), Me ! {Ref, quiet} end),
    begins(Ref, Waiter).

begins(Ref, Waiter) ->
    case {ets:lookup(o_hold, begun), receive {Ref, quiet} -> quiet after 0 -> busy end} of
        {[{begun, Sup}], _} -> exit(Waiter, kill), Sup;
        {[], quiet} -> none;
        {[], busy} -> erlang:yield(), begins(Ref, Waiter)
    end.

meanwhile(#{op := <<"crash">>, target := T, reason := R}) -> crash(T, R);
meanwhile(#{op := <<"stop">>} = S) -> spawn_stop(S);
meanwhile(#{op := Op, sup := Path} = S) ->
    case live(Path) of
        none -> [exit, noproc];
        Sup -> spawn_api(Op, Sup, Path, S)
    end.

%% Supervisors may wait for ever meanwhile, so they can't be asked whether they
%% are idle: nobody runs or sleeps, and nothing moves, three times running.
settle() -> settle(3, now).

settle(0, _) -> ok;
settle(Left, Before) ->
    timer:sleep(1),
    traces_in(),
    Seen = [{P, process_info(P, [status, message_queue_len, current_function])} || {P, _, _, _} <- living()],
    Still = lists:all(fun({_, [{status, waiting}, _, {current_function, F}]}) -> F =/= {timer, sleep, 1};
                         (_) -> false
                      end, Seen),
    Now = {ask(count), Seen},
    case Still andalso Now =:= Before of
        true -> settle(Left - 1, Now);
        false -> settle(3, Now)
    end.

spawn_stop(S) ->
    case live(maps:get(target, S, <<"root">>)) of
        none -> [skip];
        Pid ->
            Reason = reason(maps:get(reason, S, <<"shutdown">>)),
            asked(<<"stop">>, static, fun() -> proc_lib:stop(Pid, Reason, infinity) end)
    end.

crash(Target, How) ->
    case live(Target) of
        none -> [skip];
        Pid ->
            [{_, _, _, worker}] = ets:lookup(o_pids, Pid),
            Ref = monitor(process, Pid),
            case How of
                <<"kill">> -> exit(Pid, kill);
                _ -> Pid ! {crash, reason(How)}
            end,
            receive {'DOWN', Ref, _, _, _} -> [ok] end
    end.

reason(<<"normal">>) -> normal;
reason(<<"shutdown">>) -> shutdown;
reason(<<"shutdown_term">>) -> {shutdown, oracle};
reason(<<"error">>) -> oracle_crash.

live(Path) ->
    case ets:lookup(o_last, Path) of
        [{_, Pid}] ->
            case is_process_alive(Pid) of true -> Pid; false -> none end;
        [] -> none
    end.

parent(Path) ->
    Parts = binary:split(Path, <<"/">>, [global]),
    iolist_to_binary(lists:join("/", lists:droplast(Parts))).

%% --------------------------------------------------------------- API calls

spawn_api(Op, Sup, Path, S) ->
    Strategy = strategy(Path),
    asked(Op, Strategy, fun() -> api(Op, Strategy, Sup, Path, S) end).

asked(Op, Strategy, Ask) ->
    Me = self(),
    Ref = make_ref(),
    spawn(fun() ->
                  Res = try {value, Ask()}
                        catch exit:{R, {_, _, _}} -> {exit, class(R)};
                              exit:R -> {exit, class(R)}
                        end,
                  Me ! {Ref, Res}
          end),
    {call, Ref, Op, Strategy}.

await({call, Ref, Op, Strategy}) ->
    receive
        {Ref, {value, V}} -> norm(Op, Strategy, V);
        {Ref, {exit, C}} -> [exit, C]
    after ?STEP_LIMIT_MS -> [timeout]
    end;
await(Done) -> Done.

strategy(Path) ->
    [{_, C}] = ets:lookup(o_conf, Path),
    case maps:get(strategy, C, <<"one_for_one">>) of
        <<"dynamic">> -> dynamic;
        <<"simple_one_for_one">> -> simple;
        _ -> static
    end.

api(<<"start_child">>, dynamic, Sup, Path, #{child := C}) -> ?DYN:start_child(Sup, spec(Path, C));
api(<<"start_child">>, simple, Sup, _, #{child := C}) ->
    supervisor:start_child(Sup, [C#{key => maps:get(id, C)}]);
api(<<"start_child">>, static, Sup, Path, #{child := C}) -> supervisor:start_child(Sup, spec(Path, C));
api(<<"terminate_child">>, static, Sup, _, #{id := Id}) -> supervisor:terminate_child(Sup, Id);
api(<<"terminate_child">>, simple, Sup, _, #{id := Id, by := <<"id">>}) ->
    supervisor:terminate_child(Sup, Id);
api(<<"terminate_child">>, simple, Sup, Path, #{id := Id}) ->
    supervisor:terminate_child(Sup, any_pid(join(Path, Id)));
api(<<"terminate_child">>, dynamic, Sup, Path, #{id := Id}) ->
    ?DYN:terminate_child(Sup, any_pid(join(Path, Id)));
api(<<"restart_child">>, _, Sup, _, #{id := Id}) -> supervisor:restart_child(Sup, Id);
api(<<"delete_child">>, _, Sup, _, #{id := Id}) -> supervisor:delete_child(Sup, Id);
api(<<"get_childspec">>, static, Sup, _, #{id := Id}) -> supervisor:get_childspec(Sup, Id);
api(<<"which_children">>, _, Sup, _, _) -> supervisor:which_children(Sup);
api(<<"count_children">>, _, Sup, _, _) -> supervisor:count_children(Sup).

%% The pid a client of a dynamic supervisor holds: that of the last process
%% started under this key, dead or alive; for an unknown key some dead pid.
any_pid(Path) ->
    case ets:lookup(o_last, Path) of
        [{_, Pid}] -> Pid;
        [] ->
            {Pid, Ref} = spawn_monitor(fun() -> ok end),
            receive {'DOWN', Ref, _, _, _} -> Pid end
    end.

norm_start({ok, _}) -> [ok];
norm_start({error, R}) -> [error | norm_start_error(R)].

norm_start_error({shutdown, {failed_to_start_child, Id, R}}) ->
    [failed_to_start_child, Id | case R of
                                     {shutdown, {failed_to_start_child, _, _}} -> [norm_start_error(R)];
                                     _ -> []
                                 end];
norm_start_error({start_spec, R}) -> [start_spec, tag(R)];
norm_start_error({bad_start_spec, _}) -> [bad_start_spec];
norm_start_error({supervisor_data, R}) -> [supervisor_data, tag(R)];
norm_start_error(_) -> [other].

norm(<<"which_children">>, Strategy, L) ->
    Rows = [which_row(Strategy, Row) || Row <- L],
    [ok, case Strategy of static -> Rows; _ -> lists:sort(Rows) end];
norm(<<"count_children">>, _, L) -> [ok, maps:from_list(L)];
norm(<<"get_childspec">>, _, {ok, M}) ->
    [ok, maps:with([id, restart, shutdown, significant, type], M)];
norm(_, _, ok) -> [ok];
norm(_, _, ignore) -> [ignore];
norm(_, _, {ok, undefined}) -> [ok, null];
norm(_, _, {ok, Pid}) -> [ok | who(Pid)];
norm(_, _, {ok, Pid, Info}) -> [ok | who(Pid)] ++ [Info];
norm(_, _, {error, {already_started, Pid}}) -> [error, already_started | who(Pid)];
norm(_, _, {error, R}) when R =:= already_present; R =:= not_found; R =:= running;
                            R =:= restarting; R =:= simple_one_for_one; R =:= max_children ->
    [error, R];
norm(_, _, {error, R}) ->
    Bad = [invalid_mfa, invalid_restart_type, invalid_shutdown, invalid_child_type,
           invalid_modules, invalid_module, invalid_significant, bad_combination,
           missing_id, missing_start, invalid_child_spec, duplicate_child_name],
    case lists:member(tag(R), Bad) of
        true -> [error, bad_spec, tag(R)];
        false -> [error, start_failed]
    end.

tag(T) when is_tuple(T) -> element(1, T);
tag(A) -> A.

who(Pid) ->
    case ets:lookup(o_pids, Pid) of
        [{_, Path, N, _}] -> [Path, N];
        [] -> [unknown, 0]
    end.

which_row(static, {Id, P, Type, _}) when is_pid(P) -> [_, N] = who(P), [Id, running, N, Type];
which_row(static, {Id, P, Type, _}) -> [Id, P, null, Type];
which_row(_, {_, P, Type, _}) when is_pid(P) ->
    [Path, N] = who(P),
    [lists:last(binary:split(Path, <<"/">>, [global])), running, N, Type];
which_row(_, {_, P, Type, _}) -> [null, P, null, Type].

%% The children of every live supervisor, in start order (static) or by key.
snapshot() ->
    Sups = [{Path, Pid} || {Pid, Path, _, sup} <- ets:tab2list(o_pids), is_process_alive(Pid)],
    maps:from_list(
      [begin
           Strategy = strategy(Path),
           [ok, Rows] = norm(<<"which_children">>, Strategy, supervisor:which_children(Pid)),
           Ordered = case Strategy of static -> lists:reverse(Rows); _ -> Rows end,
           {Path, [[Id, St, N] || [Id, St, N, _] <- Ordered]}
       end || {Path, Pid} <- Sups]).

%% ------------------------------------------------------------- quiescence
%% Quiet: every live supervisor has answered a call (so none is inside a child's
%% start or shutdown), every process waits with an empty mailbox, and no event
%% was recorded meanwhile; twice running.

quiesce() -> quiesce(2).

quiesce(0) -> ok;
quiesce(Left) ->
    Before = ask(count),
    Live = living(),
    _ = [catch sys:get_state(P, infinity)
         || {P, Path, _, sup} <- lists:keysort(2, Live), is_binary(Path)],
    Idle = lists:all(fun({P, _, _, _}) ->
                             process_info(P, [status, message_queue_len]) =:=
                                 [{status, waiting}, {message_queue_len, 0}]
                     end, Live),
    traces_in(),
    erlang:yield(),
    Same = ask(count) =:= Before andalso living() =:= Live,
    case Idle andalso Same of
        true -> quiesce(Left - 1);
        false -> quiesce(2)
    end.

living() -> lists:sort([T || T <- ets:tab2list(o_pids), is_process_alive(element(1, T))]).

cleanup() ->
    Live = living(),
    _ = [begin
             Ref = monitor(process, P),
             exit(P, kill),
             receive {'DOWN', Ref, _, _, _} -> ok end
         end || {P, _, _, _} <- lists:keysort(2, Live)],
    case living() of
        [] -> flush();
        _ -> cleanup()
    end.

flush() -> receive _ -> flush() after 0 -> ok end.

%% -------------------------------------------------------------------- JSON
%% Objects are maps with atom keys, strings binaries, null the atom null.

dec(Bin) -> {V, _} = val(ws(Bin)), V.

ws(<<C, R/binary>>) when C =:= $\s; C =:= $\t; C =:= $\r; C =:= $\n -> ws(R);
ws(B) -> B.

val(<<"true", R/binary>>) -> {true, R};
val(<<"false", R/binary>>) -> {false, R};
val(<<"null", R/binary>>) -> {null, R};
val(<<$", R/binary>>) -> str(R, <<>>);
val(<<${, R/binary>>) -> obj(ws(R), #{});
val(<<$[, R/binary>>) -> arr(ws(R), []);
val(B) -> num(B, <<>>).

num(<<C, R/binary>>, Acc) when C =:= $-; C >= $0, C =< $9 -> num(R, <<Acc/binary, C>>);
num(R, Acc) -> {binary_to_integer(Acc), R}.

str(<<$", R/binary>>, Acc) -> {Acc, R};
str(<<"\\\"", R/binary>>, Acc) -> str(R, <<Acc/binary, $">>);
str(<<"\\\\", R/binary>>, Acc) -> str(R, <<Acc/binary, $\\>>);
str(<<C, R/binary>>, Acc) -> str(R, <<Acc/binary, C>>).

obj(<<$}, R/binary>>, M) -> {M, R};
obj(<<$,, R/binary>>, M) -> obj(ws(R), M);
obj(<<$", R/binary>>, M) ->
    {K, R1} = str(R, <<>>),
    <<$:, R2/binary>> = ws(R1),
    {V, R3} = val(ws(R2)),
    obj(ws(R3), M#{binary_to_atom(K) => V}).

arr(<<$], R/binary>>, L) -> {lists:reverse(L), R};
arr(<<$,, R/binary>>, L) -> arr(ws(R), L);
arr(B, L) -> {V, R} = val(B), arr(ws(R), [V | L]).

enc(true) -> "true";
enc(false) -> "false";
enc(null) -> "null";
enc(I) when is_integer(I) -> integer_to_list(I);
enc(A) when is_atom(A) -> enc(atom_to_binary(A));
enc(B) when is_binary(B) -> [$", B, $"];
enc(L) when is_list(L) -> [$[, lists:join($,, [enc(X) || X <- L]), $]];
enc(M) when is_map(M) ->
    [${, lists:join($,, [[enc(key(K)), $:, enc(V)] || {K, V} <- lists:sort(maps:to_list(M))]), $}].

key(K) when is_atom(K) -> atom_to_binary(K);
key(K) -> K.
