# train-teacher: a small simulated dataset first
0	-	for s in zb tt_dil; do $BIN/simulate -q --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=32 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=16 -l $DATA/library/library.h5 -s $s -o $s.h5 || exit 1; done; $BIN/preprocess -q -o d.h5 zb=zb.h5 tt_dil=tt_dil.h5
# train-teacher: the same bytes for any threads, instruction set and interruption
0	epoch 2/2: train mse	$BIN/train-teacher --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 -d d.h5 -o t.h5
!t.h5.ckpt
0	-	$BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 -d d.h5 -o three.h5 --threads 3 && cmp t.h5 three.h5
0	-	for i in v2 v3 v4; do CB_ISA=$i $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 -d d.h5 -o isa.h5 2>/dev/null; sha256sum < isa.h5; done | sort -u | wc -l | grep -qx 1
0	is not the name of a kernel build	CB_ISA=v9 $BIN/train-teacher --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 --set teacher.epochs=1 -d d.h5 -o isa.h5
0	-	$BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 --set run.seed=2 -d d.h5 -o other.h5 && ! cmp -s t.h5 other.h5
0	-	$BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 --set teacher.architecture=cicada-revised -d d.h5 -o revised.h5
# --profile: the same bytes, and shares that add up to 100 %
0	d weight	$BIN/train-teacher --profile --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 -d d.h5 -o profile.h5 2>log && cat log && cmp t.h5 profile.h5 && sed -n '/CPU time/,/Adam/s/^[^]]*\] *//p' log | awk '/^CPU/ {next} /^[0-9]+ / {sum += $3 + $4 + $5; n++; next} {sum += $NF; n++} END {exit !(n == 12 && sum > 98.5 && sum < 101.5)}'
# killed after the first epoch, then run again: the same bytes, no checkpoint left
0	resuming after epoch	$BIN/train-teacher --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=40 -d d.h5 -o whole.h5 2>/dev/null; for try in 1 2 3 4 5 6 7 8; do rm -f killed.h5; $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=40 -d d.h5 -o killed.h5 & pid=$!; until [ -e killed.h5.ckpt ] || [ -e killed.h5 ]; do sleep 0.02; done; kill -9 $pid; wait $pid; [ -e killed.h5.ckpt ] && break; done; $BIN/train-teacher --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=40 -d d.h5 -o killed.h5 && cmp whole.h5 killed.h5
!killed.h5.ckpt
0	another configuration or dataset	cp t.h5 x.h5.ckpt; $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 -d d.h5 -o x.h5 2>&1 | grep -q 'not used' && cmp t.h5 x.h5 && echo another configuration or dataset
!x.h5.ckpt
# wrong usage
2	--data is required	$BIN/train-teacher -q -o no.h5
2	--out is required	$BIN/train-teacher -q -d d.h5
2	multiple of 16	$BIN/train-teacher -q --set teacher.batch=100 -d d.h5 -o no.h5
2	three whole numbers	$BIN/train-teacher -q --set "teacher.width=4 5" -d d.h5 -o no.h5
2	three whole numbers	$BIN/train-teacher -q --set "teacher.width=4 5.5 3" -d d.h5 -o no.h5
2	teacher.epochs	$BIN/train-teacher -q --set teacher.epochs=0 -d d.h5 -o no.h5
2	is the file of --data: it would be replaced	$BIN/train-teacher -q -d d.h5 -o d.h5
2	--threads	$BIN/train-teacher -q --threads x -d d.h5 -o no.h5
# wrong input
1	absent.h5	$BIN/train-teacher -q -d absent.h5 -o no.h5
1	zb.h5	$BIN/train-teacher -q -d zb.h5 -o no.h5
1	cut.h5	head -c 5000 d.h5 > cut.h5; $BIN/train-teacher -q -d cut.h5 -o no.h5
1	lower teacher.batch	$BIN/train-teacher -q -d d.h5 -o no.h5
1	zb	$BIN/preprocess -q -o nozb.h5 tt_dil=tt_dil.h5; $BIN/train-teacher -q -d nozb.h5 -o no.h5
1	/proc/no.h5	$BIN/train-teacher -q --set teacher.batch=64 --set teacher.epochs=100000 -d d.h5 -o /proc/no.h5
1	it is not a regular file	mkdir folder; $BIN/train-teacher -q --set teacher.batch=64 --set teacher.epochs=100000 -d d.h5 -o folder
!no.h5
