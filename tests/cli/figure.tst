# tables of one student, written by hand: the page is drawn, twice the same bytes, without a date
0	-	mkdir t && printf 'student\tfamily\tseed\tprocess\tn\tauc\tauc_lo\tauc_hi\temd\temd_lo\temd_hi\tmae\teff_3khz\teff_3khz_lo\teff_3khz_hi\nhgq-1e-4\thgq\t1\ttt_had\t100\t0.9\t0.88\t0.92\t2\t1.5\t2.5\t3\t0.1\t0.05\t0.2\nhgq-1e-4\thgq\t1\tzb\t900\tnan\tnan\tnan\t1\t0.9\t1.1\t3\tnan\tnan\tnan\nteacher\tteacher\t1\ttt_had\t100\t0.95\t0.94\t0.96\t0\t0\t0\t0\t0.2\t0.1\t0.3\n' > t/performance.tsv
0	-	printf 'student\tfamily\tseed\tebops\tadders\tdepth\tparameters\tmismatches\tchecked\nhgq-1e-4\thgq\t1\t7500\t400\t12\t4000\t0\t10500\n' > t/students.tsv; printf 'student\tprocess\trate_khz\tefficiency\nhgq-1e-4\ttt_had\t10\t0.2\nhgq-1e-4\ttt_had\t28610\t1\n' > t/roc.tsv; printf 'student\tprocess\tbin_lo\tbin_hi\tcount\nteacher\tzb\t0\t4\t500\nteacher\tzb\t4\t8\t400\n' > t/histograms.tsv
0	-	printf 'student\tstep\ttool\tversion\tpart\trule\tlut\tff\tdsp\tbram\tcarry\tcycles\tii\tfmax_mhz\tstatus\nhgq-1e-4\tyosys-synth\tyosys\t0.23\tp\traw-cells\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tfailed: memory limit\n' > t/resources.tsv
0	-	${PYTHON:-/usr/bin/python3} $root/plots/hgq_vs_qkeras.py t a.pdf && sleep 1 && ${PYTHON:-/usr/bin/python3} $root/plots/hgq_vs_qkeras.py t b.pdf && cmp a.pdf b.pdf && head -c 5 a.pdf | grep -q %PDF && ! grep -a -q CreationDate a.pdf && [ ! -e $root/plots/__pycache__ ]
# wrong usage, missing and broken tables, outputs that cannot be: a message and no file
2	Usage: hgq_vs_qkeras.py	${PYTHON:-/usr/bin/python3} $root/plots/hgq_vs_qkeras.py t
1	nothing/performance.tsv	${PYTHON:-/usr/bin/python3} $root/plots/hgq_vs_qkeras.py nothing c.pdf
1	no column emd	mkdir u && cut -f 1-8 t/performance.tsv > u/performance.tsv && ${PYTHON:-/usr/bin/python3} $root/plots/hgq_vs_qkeras.py u c.pdf
1	.pdf, .png or .svg is wanted	${PYTHON:-/usr/bin/python3} $root/plots/hgq_vs_qkeras.py t c.jpg
1	absent/c.pdf	${PYTHON:-/usr/bin/python3} $root/plots/hgq_vs_qkeras.py t absent/c.pdf
!c.pdf
0	-	! ls | grep tmp
# the ablation of hgq+: two variants of two seeds, one without synthesis
0	-	mkdir b && printf 'variant\tchange\tseed\tlut_yosys_packed\tauc_tt_had\temd_zb\nfull\tnothing\t1\t2000\t0.985\t0.4\nfull\tnothing\t2\t2100\t0.984\t0.5\nround\tviews round\t1\tnan\t0.96\t0.9\n' > b/ablation_hgq.tsv; for i in 1 2; do SOURCE_DATE_EPOCH=0 ${PYTHON:-/usr/bin/python3} $root/plots/ablation.py b $i.pdf || exit 1; done; cmp 1.pdf 2.pdf
2	Usage: ablation.py	${PYTHON:-/usr/bin/python3} $root/plots/ablation.py b
1	no column emd_zb	mkdir n && cut -f 1-5 b/ablation_hgq.tsv > n/ablation_hgq.tsv && ${PYTHON:-/usr/bin/python3} $root/plots/ablation.py n 3.pdf
1	ablation_hgq.tsv	${PYTHON:-/usr/bin/python3} $root/plots/ablation.py t 3.pdf
!3.pdf
# the post-route figure: a student that was routed beside one that was not, and none at all
0	-	mkdir p && printf 'student\tstep\ttool\tversion\tpart\tseeds\tlut4\tff\tff_shell\tcarry\tdsp\tbram\tpins\tcycles\tii\tclock_mhz\tfmax_min_mhz\tfmax_median_mhz\tfmax_max_mhz\tlatency_ns\tstatus\na\tnextpnr-route\tn\t1\tp\t3\t2033\t335\t2520\t182\t0\t0\t20\t4\t1\t160\t140\t150\t170\t27\tmisses timing\nb\tnextpnr-route\tn\t1\tp\t0\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tnan\tfailed: it broke\n' > p/routed.tsv; for i in 1 2; do SOURCE_DATE_EPOCH=0 ${PYTHON:-/usr/bin/python3} $root/plots/routed.py p r$i.pdf || exit 1; done; cmp r1.pdf r2.pdf
0	-	mkdir o && grep -v ^a p/routed.tsv > o/routed.tsv && ${PYTHON:-/usr/bin/python3} $root/plots/routed.py o r4.png && test -s r4.png
2	Usage: routed.py	${PYTHON:-/usr/bin/python3} $root/plots/routed.py p
1	no column lut4	mkdir q && cut -f 1-6 p/routed.tsv > q/routed.tsv && ${PYTHON:-/usr/bin/python3} $root/plots/routed.py q r3.pdf
1	routed.tsv	${PYTHON:-/usr/bin/python3} $root/plots/routed.py t r3.pdf
!r3.pdf
