# good
0	--library	$BIN/simulate --help
0	zb: 60 train, 20 val, 40 test events	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample zb --out zb.h5
0	tt_had: 10 train, 5 val, 20 test	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample tt_had --out new/folder/tt.h5
0	-	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --quiet --sample zb --out again.h5 --threads 2 && cmp zb.h5 again.h5
0	-	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --quiet --sample zb --out other.h5 --set run.seed=2 && ! cmp -s zb.h5 other.h5
# waiting threads soon sleep, unless the environment says otherwise
0	-	unset OMP_WAIT_POLICY GOMP_SPINCOUNT; OMP_DISPLAY_ENV=true $BIN/simulate -q --library $DATA/library/library.h5 --set simulate.zb_train=4 --set simulate.zb_val=4 --set simulate.zb_test=4 --sample zb --out w.h5 2>&1 | grep -qi "OMP_WAIT_POLICY *= *'passive'"
0	-	OMP_WAIT_POLICY=active OMP_DISPLAY_ENV=true $BIN/simulate -q --library $DATA/library/library.h5 --set simulate.zb_train=4 --set simulate.zb_val=4 --set simulate.zb_test=4 --sample zb --out w.h5 2>&1 | grep -i OMP_WAIT_POLICY | grep -qvi passive
# wrong usage
2	--sample is required	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --out x.h5
2	unexpected argument 'more'	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample zb --out x.h5 more
2	unknown key 'zb_trian'	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample zb --out x.h5 --set simulate.zb_trian=5
2	0 to 1024 wanted	$BIN/simulate --library $DATA/library/library.h5 --sample zb --out x.h5 --threads ""
2	zero.ini:2: a zero byte: not a text file	printf "[run]\n\\000seed = 2\n" >zero.ini; $BIN/simulate --config zero.ini --library $DATA/library/library.h5 --sample zb --out x.h5
2	out of range	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample zb --out x.h5 --set simulate.zb_train=-1
2	three fractions (train, val, test) with sum 1 wanted	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample zb --out x.h5 --set "simulate.library_split=0.5 0.5"
2	three fractions (train, val, test) with sum 1 wanted	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample zb --out x.h5 --set "simulate.library_split=0.5 0.5 0.5"
!x.h5
# failures leave no file
1	unknown sample higgs: zb, zb_low, zb_high, nu or a signal process wanted	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample higgs --out x.h5
1	no events of minbias for val	$BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample zb --out x.h5 --set "simulate.library_split=0.5 0 0.5"
1	asks for no events of zb	$BIN/simulate --library $DATA/library/library.h5 --sample zb --out x.h5 --set simulate.zb_train=0 --set simulate.zb_val=0 --set simulate.zb_test=0
1	none.h5: cannot open	$BIN/simulate --library none.h5 --sample zb --out x.h5
1	not an HDF5 file	$BIN/simulate --library $DATA/library/targets.csv --sample zb --out x.h5
1	truncated file	head -c 100000 $DATA/library/library.h5 >cut.h5; $BIN/simulate --library cut.h5 --sample zb --out x.h5
1	cannot make folder	touch file; $BIN/simulate --library $DATA/library/library.h5 --set simulate.zb_train=60 --set simulate.zb_val=20 --set simulate.zb_test=40 --set simulate.signal_train=10 --set simulate.signal_val=5 --set simulate.signal_test=20 --sample zb --out file/x.h5
1	dataset et: cannot write (HDF5: File too large)	ulimit -f 300; $BIN/simulate --library $DATA/library/library.h5 --sample zb --out x.h5 --set simulate.zb_train=20000
!x.h5
0	-	! ls | grep tmp
