#!/usr/bin/env bash
# Hooks: a program and shared objects change what the Trainer does, each a number that is printed; callbacks come in their order; what hooks keep
# survives a resume; extensions with something wrong are refused with a reason.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
cd "$work"
hooks=$build_dir/lib/hillock/examples/hooks
small=(--threads 1 --set data.limit=1024 --set data.test_limit=400 --set train.epochs=2)
ini=$source_dir/examples/seq_plain.ini
train() { "$hillock" train "$ini" "${small[@]}" "$@" 2>&1; }
last() { tail -1; }

# ---- each example changes a printed number ----
plain=$(train | last)
expect_other() { # WHAT LINE
    check
    [[ $2 == "epoch 2/2 "* ]] || fail "$1: expected the line of epoch 2/2, got '$2'"
    [ "$2" != "$plain" ] || fail "$1 changes nothing: '$2' with and without it"
}
expect_other adamax "$("$build_dir/bin/adamax" "$ini" "${small[@]}" 2>&1 | last)"
expect_other "contrast, gain 3" "$(train --set hooks.load="$hooks/contrast.so" --gain 3 | last)"
expect_other "rate_price" "$(train --set hooks.load="$hooks/rate_price.so" --price 1 | last)"
check
same=$(train --set hooks.load="$hooks/contrast.so" --gain 1 | last)
[ "$same" = "$plain" ] || fail "contrast with gain 1: expected '$plain', got '$same'"
check
both=$(train --set hooks.load="$hooks/contrast.so,$hooks/rate_price.so" --gain 1 --price 0 | last)
[ "$both" = "$plain" ] || fail "two extensions that do nothing: expected '$plain', got '$both'"
check
grep -c '' "$source_dir/examples/adamax.c" | { read -r lines; [ "$lines" -le 25 ] || fail "adamax.c has $lines lines, expected at most 25"; }
check
adamax=$("$build_dir/bin/adamax" "$ini" "${small[@]}" 2>&1 | last)
named=$(train --set 'train.optimizer=Adamax()' | last)
[ "$adamax" = "$named" ] || fail "the program's Adamax: expected what [train] optimizer = Adamax() gives, '$named', got '$adamax'"

# ---- options: in --help, in the ini, on the command line ----
check
"$hillock" train "$ini" --set hooks.load=early_stop --help >help
grep -q -- '--patience V' help || fail "--help does not list --patience: $(cat help)"
check
"$build_dir/bin/adamax" eval --help >help
grep -q '^usage: hillock eval' help || fail "a program's eval --help: got $(head -1 help)"
sed "s|^\[data\]|[hooks]\nload = early_stop\npatience = 1\nmin_delta = 0.9\n\n[data]|" "$ini" >stop.ini
check
"$hillock" train stop.ini "${small[@]}" --set train.epochs=5 --out stopped >out 2>&1
[ "$(grep -c '^epoch ' out)" = 2 ] || fail "early_stop with patience 1: expected 2 epochs of 5, got $(cat out)"
check
"$hillock" train stop.ini "${small[@]}" --set train.epochs=5 --out stopped --resume auto >out 2>&1
[ "$(grep -c '^epoch ' out)" = 0 ] || fail "early_stop, resumed behind its end: expected no epoch, got $(cat out)"
check
"$hillock" train "$ini" "${small[@]}" --set train.epochs=5 --out stopped --resume auto >out 2>&1 && fail "a run with hooks was resumed without them"
[ $? ] && grep -q 'hooks\] ' out || fail "resumed without its hooks: expected an error about [hooks], got $(cat out)"

# ---- callbacks ----
cc=${CC:-cc}
build() { # OUT SOURCE OPTIONS...
    local out=$1 source=$2
    shift 2
    "$cc" -shared -fPIC -O1 -I"$source_dir/include" "$@" -o "$out" "$source" -L"$build_dir/lib" -lhillock
}
build trace.so "$source_dir/tests/hooks/trace.c"
chmod go-w . trace.so
train --set hooks.load=./trace.so --out traced >out || fail "trace: $(cat out)"
grep -E '^(call|kept|gradient|epoch [0-9]+:|wrote|after_run|exception)' out >got
cat >want <<'W'
kept 0, 4 parameters, out a folder
call before_run epoch 0 step 0
call before_train_one_epoch epoch 1 step 0
gradient is there
call after_train_one_epoch epoch 1 step 4
call before_test_one_epoch epoch 1 step 4
epoch 1: 4 training batches, 1 test batches, loss known
wrote first.safetensors
call after_test_one_epoch epoch 1 step 4
wrote checkpoint_max.safetensors
call before_train_one_epoch epoch 2 step 4
call after_train_one_epoch epoch 2 step 8
call before_test_one_epoch epoch 2 step 8
epoch 2: 8 training batches, 2 test batches, loss known
call after_test_one_epoch epoch 2 step 8
W
check
head -15 got | diff want - || fail "callbacks: expected the lines with <, got those with >"
check
grep -q '^after_run OK' got || fail "after_run was not called: $(cat got)"
check
grep -q '"batches_so_far": 8' traced/metrics.jsonl || fail "hk_trainer_log: expected \"batches_so_far\": 8 in metrics.jsonl, got $(cat traced/metrics.jsonl)"
check
train --set hooks.load=./trace.so --out traced --resume auto --set train.epochs=3 >out || fail "trace, resumed: $(cat out)"
grep -q '^kept 8,' out || fail "hk_trainer_keep: expected 'kept 8' after resuming, got $(grep ^kept out)"
if [ -e "$build_dir/lib/libhillock_plot.so" ]; then # a command that reads a run's configuration knows the options of its hooks
    check
    "$hillock" plot raster traced --format png >out 2>&1 || fail "plot of a run with hooks: $(cat out)"
fi
check
train --set hooks.load=./trace.so --zero on | grep -q 'gradient is zero' || true # pictures without a spike: whatever the gradient is, the run goes on
black=$(train --set hooks.load=./trace.so --zero on | grep '^epoch 2/2')
[ "$black" != "$plain" ] || fail "before_batch changes nothing: black pictures give '$black'"
# Labels that a hook changes: those of a batch, and where samples are mixed their shares; labels alone are an error then.
mixup=(--set hooks.load=./trace.so --set augment.mixup_alpha=0.4)
check
[ "$(train --set hooks.load=./trace.so --labels y | grep '^epoch 2/2')" != "$plain" ] || fail "before_batch changes labels, and the training stays the same"
check
mixed=$(train "${mixup[@]}" | grep '^epoch 2/2')
[ "$(train "${mixup[@]}" --labels both | grep '^epoch 2/2')" != "$mixed" ] || fail "before_batch changes shares, and the training stays the same: $mixed"
check
code=0
train "${mixup[@]}" --labels y >out || code=$?
[ $code = 1 ] || fail "labels changed where samples are mixed: expected exit code 1, got $code: $(cat out)"
grep -qF '[augment] mixup_alpha: hook before_batch changed labels' out || fail "labels changed where samples are mixed: the error says $(cat out)"
for at in before_run before_train_one_epoch after_train_one_epoch before_test_one_epoch after_test_one_epoch; do
    check
    code=0
    train --set hooks.load=./trace.so --fail-at $at >out || code=$?
    [ $code = 3 ] || fail "$at fails with EDATA: expected exit code 3, got $code: $(cat out)"
    grep -q "^hillock: hook $at: told to fail" out || fail "$at fails: expected an error that names the hook, got $(cat out)"
    grep -q "^exception EDATA: hook $at" out || fail "$at fails: on_exception was not called: $(cat out)"
done

# ---- what is refused ----
refused() { # WHAT TEXT ARGUMENTS...
    local what=$1 text=$2 code=0
    shift 2
    train "$@" >out || code=$?
    check
    [ $code = 4 ] || fail "$what: expected exit code 4, got $code: $(cat out)"
    grep -q "$text" out || fail "$what: expected '$text', got $(cat out)"
}
for bad in PRINT SYMBOL INSTALL OPTION; do build bad_$bad.so "$source_dir/tests/hooks/bad.c" -DBAD_$bad; done
chmod go-w ./*.so
refused "another layout" 'built for another Trainer' --set hooks.load=./bad_PRINT.so
refused "no entry" 'no symbol hk_extension' --set hooks.load=./bad_SYMBOL.so
refused "install fails" 'only on Tuesdays' --set hooks.load=./bad_INSTALL.so
refused "an option of Hillock's" "is one of Hillock's own" --set hooks.load=./bad_OPTION.so
refused "a plugin" 'this is a plugin' --set hooks.load="$build_dir/lib/hillock/plugins/layers.so"
refused "no file" 'No such file' --set hooks.load=./nothing.so
refused "no such name" 'No such file' --set hooks.load=nothing
cp trace.so open.so && chmod 666 open.so
refused "written by everybody" 'may be written by everybody' --set hooks.load=./open.so
code=0
train --set hooks.load="$hooks/rate_price.so,$hooks/rate_price.so" >out || code=$?
check
[ $code = 2 ] && grep -q 'compute_loss' out || fail "two losses: expected exit code 2 and the slot's name, got $code: $(cat out)"
finish
