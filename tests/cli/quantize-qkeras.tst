# quantize-qkeras: a small simulated dataset, teacher and targets (with a float student) first
0	-	for s in zb tt_dil; do $BIN/simulate -q --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=32 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=16 -l $DATA/library/library.h5 -s $s -o $s.h5 || exit 1; done; $BIN/preprocess -q -o d.h5 zb=zb.h5 tt_dil=tt_dil.h5 && $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=1 -d d.h5 -o t.h5 && $BIN/distill -q --set distill.float_epochs=2 --set distill.float_batch=64 -d d.h5 -t t.h5 -o y.h5
0	-	$BIN/distill -q --set distill.float_epochs=2 --set distill.float_batch=64 -d d.h5 -t t.h5 -o y3.h5 --threads 3 && cmp y.h5 y3.h5
2	distill.float_batch = 40	$BIN/distill -q --set distill.float_batch=40 -d d.h5 -t t.h5 -o no.h5
# both architectures; the programme equals the trainer (64 + 1 or 2 outliers in val, 4096 random images)
0	programme equals trainer on 41	$BIN/quantize-qkeras --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 -o v2.h5
0	4096 weights, 284112 EBOPs	$BIN/quantize-qkeras --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --set student.architecture=v1 -o v1.h5
0	-	$BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --set student.filters=1 --set student.hidden=3 --set student.kernel=3 -o small.h5
# the same bytes for any threads and instruction set, and the scores the student file gives
0	-	$BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --threads 1 -o one.h5 && $BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --threads 3 -o three.h5 && cmp one.h5 three.h5 && cmp v2.h5 one.h5
0	-	for i in v2 v3 v4; do CB_ISA=$i $BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 -o isa.h5 2>/dev/null; sha256sum < isa.h5; done | sort -u | wc -l | grep -qx 1
# --profile: the same bytes, and shares that add up to 100 %
0	-	$BIN/quantize-qkeras --profile --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 -o profile.h5 2>log && cmp v2.h5 profile.h5 && awk '/profile:/ {sum += $(NF-1); n++} END {exit !(n == 9 && sum > 99 && sum < 101)}' log
0	-	$BIN/emulate -q v2.h5 $DATA/firmware/testvectors_in.txt | tail -n 1 | grep -qx '255[[:space:]][0-9]*'
0	-	$BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --set student.seed=2 -o seed.h5 && ! cmp -s v2.h5 seed.h5
# wrong usage
2	--targets is required	$BIN/quantize-qkeras -q -d d.h5 -o no.h5
2	quantize-hgq trains it	$BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --set student.family=hgq -o no.h5
2	student.batch = 100	$BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --set student.batch=100 -o no.h5
2	student.architecture	$BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --set student.architecture=v3 -o no.h5
2	out of range	$BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 --set student.hidden=0 -o no.h5
# wrong input
1	absent.h5	$BIN/quantize-qkeras -q -d absent.h5 -t y.h5 -o no.h5
1	absent.h5	$BIN/quantize-qkeras -q -d d.h5 -t absent.h5 -o no.h5
1	d.h5	$BIN/quantize-qkeras -q -d d.h5 -t d.h5 -o no.h5
1	y.h5	$BIN/quantize-qkeras -q -d y.h5 -t y.h5 -o no.h5
1	cut.h5	head -c 20000 y.h5 > cut.h5; $BIN/quantize-qkeras -q -d d.h5 -t cut.h5 -o no.h5
1	other.h5	$BIN/preprocess -q -o other.h5 zb=zb.h5; $BIN/quantize-qkeras -q -d other.h5 -t y.h5 -o no.h5 || { $BIN/quantize-qkeras -q -d other.h5 -t y.h5 -o no.h5 2>&1; echo other.h5; exit 1; }
1	no process zb	$BIN/preprocess -q -o nozb.h5 tt_dil=tt_dil.h5 && $BIN/distill -q --set distill.float_epochs=0 --set distill.outlier=none -d nozb.h5 -t t.h5 -o ny.h5; $BIN/quantize-qkeras -q -d nozb.h5 -t ny.h5 -o no.h5
1	-	$BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d d.h5 -t y.h5 -o /proc/no/no.h5
!no.h5
# targets of another dataset with as many events
1	y.h5: made from another dataset than e.h5; run distill again	for s in zb tt_dil; do $BIN/simulate -q --set run.seed=2 --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=32 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=16 -l $DATA/library/library.h5 -s $s -o $s.2.h5 || exit 3; done; $BIN/preprocess -q -o e.h5 zb=zb.2.h5 tt_dil=tt_dil.2.h5 && $BIN/quantize-qkeras -q --set student.epochs=2 --set student.batch=64 -d e.h5 -t y.h5 -o no.h5
!no.h5
