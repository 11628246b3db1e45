# distill: a small simulated dataset first
0	-	for s in zb tt_dil; do $BIN/simulate -q --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=32 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=16 -l $DATA/library/library.h5 -s $s -o $s.h5 || exit 1; done; $BIN/preprocess -q -o d.h5 zb=zb.h5 tt_dil=tt_dil.h5 && $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=2 -d d.h5 -o t.h5
# distill: outlier modes, the same bytes for any threads
0	-	$BIN/distill -q --set distill.float_epochs=0 -d d.h5 -t t.h5 -o s.h5
0	8 outliers (signal)	$BIN/distill --set distill.float_epochs=0 -d d.h5 -t t.h5 -o s1.h5 --threads 1 && cmp s.h5 s1.h5
0	-	$BIN/distill -q --set distill.float_epochs=0 -d d.h5 -t t.h5 -o s3.h5 --threads 3 && cmp s.h5 s3.h5
0	0 outliers (none)	$BIN/distill --set distill.float_epochs=0 --set distill.outlier=none -d d.h5 -t t.h5 -o n.h5
0	384 outliers (dummy)	$BIN/distill --set distill.float_epochs=0 --set distill.outlier=dummy --set distill.outlier_fraction=0.5 -d d.h5 -t t.h5 -o u.h5
0	8 outliers (augment)	$BIN/distill --set distill.float_epochs=0 --set distill.outlier=augment -d d.h5 -t t.h5 -o a.h5
0	-	! cmp -s u.h5 a.h5 && ! cmp -s s.h5 a.h5
# wrong usage
2	--teacher is required	$BIN/distill -q -d d.h5 -o no.h5
2	distill.outlier	$BIN/distill -q --set distill.outlier=all -d d.h5 -t t.h5 -o no.h5
2	out of range	$BIN/distill -q --set distill.outlier_fraction=1 -d d.h5 -t t.h5 -o no.h5
# wrong input
1	/proc/no.h5	$BIN/distill -q --set distill.float_epochs=100000 -d d.h5 -t t.h5 -o /proc/no.h5
1	absent.h5	$BIN/distill -q -d d.h5 -t absent.h5 -o no.h5
1	d.h5	$BIN/distill -q -d d.h5 -t d.h5 -o no.h5
1	t.h5	$BIN/distill -q -d t.h5 -t t.h5 -o no.h5
1	cut.h5	head -c 20000 t.h5 > cut.h5; $BIN/distill -q -d d.h5 -t cut.h5 -o no.h5
1	wants 320 train events of 'tt_dil', the dataset has 40	$BIN/distill -q --set distill.outlier_fraction=0.5 -d d.h5 -t t.h5 -o no.h5
1	suep	$BIN/distill -q --set distill.outlier_process=suep -d d.h5 -t t.h5 -o no.h5
!no.h5
