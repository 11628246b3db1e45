# make golden: agreement with the recorded packages; damaged or absent records are no agreement
0	hgq_train.h5	make -s --no-print-directory -C $root golden GOLDEN=$DATA/golden | grep -v '^  CC ' | tee lines && grep -q 'quantizers.h5.*ok$' lines && grep -q 'qkeras_train.h5.*ok$' lines && ! grep -v 'ok$' lines | grep -v 'skipped$' | grep -v 'verdict$'
2	holds none of the recorded files	make -s --no-print-directory -C $root golden GOLDEN=$PWD/nowhere
0	qkeras_train.h5	mkdir part && cp $DATA/golden/hgq_train.h5 part && make -s --no-print-directory -C $root golden GOLDEN=$PWD/part
2	FAIL	head -c 100000 $DATA/golden/quantizers.h5 > part/quantizers.h5; make -s --no-print-directory -C $root golden GOLDEN=$PWD/part
2	not an HDF5 file	echo text > part/quantizers.h5; make -s --no-print-directory -C $root golden GOLDEN=$PWD/part
