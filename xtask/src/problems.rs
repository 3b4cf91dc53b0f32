//! What is timed beside whom: the problems of each bench.

/// How a fit of ours is run.
pub enum Ours {
    /// `target/release/examples/bench_SUITE PROBLEM REPS`, which prints the peers' JSON line with peer `nelder`.
    Example,
    /// `target/release/nelder ARGS`: a whole process, timed from outside with its peak of memory.
    Command(&'static [&'static str]),
}

/// The problems of one bench.
pub struct Suite {
    /// `lm`, `glm`, `prcomp` or `glmnet`: the example `bench_NAME`, the scripts `peers/NAME.R` and `.py`, the file `results/NAME.json`.
    pub name: &'static str,
    /// Debian packages that its peers need.
    pub debian: &'static [&'static str],
    /// R packages that its peers need.
    pub packages: &'static [&'static str],
    pub problems: &'static [Problem],
}

/// What runs a peer.
pub enum Runner {
    R,
    Python,
}

/// Someone to compare with.
pub struct Peer {
    pub runner: Runner,
    /// The name that the script knows it by.
    pub name: &'static str,
    /// Fits in one round.
    pub reps: usize,
    /// Rounds it takes part in at most; slow peers stop early.
    pub rounds: usize,
}

/// Something to fit.
pub struct Problem {
    pub name: &'static str,
    pub what: &'static str,
    pub ours: Ours,
    pub reps: usize,
    pub peers: &'static [Peer],
    pub goal: &'static str,
}

const fn r(name: &'static str, reps: usize, rounds: usize) -> Peer {
    Peer {
        runner: Runner::R,
        name,
        reps,
        rounds,
    }
}

const fn python(name: &'static str, reps: usize, rounds: usize) -> Peer {
    Peer {
        runner: Runner::Python,
        name,
        reps,
        rounds,
    }
}

/// `bench lm`.
pub const LM: Suite = Suite {
    name: "lm",
    debian: &["r-base-core", "r-cran-rcpparmadillo"],
    packages: &["RcppArmadillo"],
    problems: LM_PROBLEMS,
};

const LM_PROBLEMS: &[Problem] = &[
    Problem {
        name: "flights",
        what: "arr_delay ~ dep_delay + factor(paste(month, day)), 327,346 rows, 366 coefficients, from memory",
        ours: Ours::Example,
        reps: 5,
        peers: &[
            python("glum", 5, usize::MAX),
            python("scikit-learn", 3, usize::MAX),
            r("lm", 1, 2),
            r(".lm.fit", 1, 1),
            r("fastLmPure", 1, 1),
        ],
        goal: "0.03 s",
    },
    Problem {
        name: "dense",
        what: "50,000 x 200 normals, full summary, from memory",
        ours: Ours::Example,
        reps: 10,
        peers: &[
            python("gram", 10, usize::MAX),
            python("glum", 5, usize::MAX),
            python("statsmodels", 3, usize::MAX),
            python("scikit-learn", 3, usize::MAX),
            r("lm", 2, usize::MAX),
            r(".lm.fit", 2, usize::MAX),
            r("fastLmPure", 3, usize::MAX),
        ],
        goal: "1.6 x the OpenBLAS gram",
    },
    Problem {
        name: "wide",
        what: "20,000 x 2,500 normals, full summary, from memory",
        ours: Ours::Example,
        reps: 2,
        peers: &[python("gram", 3, usize::MAX), r(".lm.fit", 1, 1)],
        goal: "2.5 s",
    },
    Problem {
        name: "wider",
        what: "20,000 x 6,000 normals, full summary, from memory",
        ours: Ours::Example,
        reps: 1,
        peers: &[python("gram", 2, usize::MAX)],
        goal: "2 x the gram's arithmetic",
    },
    Problem {
        name: "tall",
        what: "1e7 x 10 from Parquet, the whole command; peers only read the file",
        ours: Ours::Command(&[
            "lm",
            "y ~ .",
            "--data",
            "bench/data/tall_1e7x10.parquet",
            "--json",
        ]),
        reps: 1,
        peers: &[
            python("pyarrow batches", 2, usize::MAX),
            python("pyarrow read_table", 2, usize::MAX),
        ],
        goal: "1.5 x reading the file, 300 MB",
    },
    Problem {
        name: "workers",
        what: "y ~ x1 + x2 + worker + firm, 100,000 and 50,000 levels, 1e6 rows from Parquet, the whole command; peers from memory",
        ours: Ours::Command(&[
            "lm",
            "y ~ x1 + x2 + factor(worker) + factor(firm)",
            "--data",
            "bench/data/workers_1e6.parquet",
        ]),
        reps: 2,
        peers: &[python("pyfixest", 2, usize::MAX)],
        goal: "a few seconds, memory flat beyond the combinations of levels",
    },
    Problem {
        name: "movers",
        what: "the same of workers that rarely move",
        ours: Ours::Command(&[
            "lm",
            "y ~ x1 + x2 + factor(worker) + factor(firm)",
            "--data",
            "bench/data/movers_1e6.parquet",
        ]),
        reps: 2,
        peers: &[python("pyfixest", 1, 1)],
        goal: "a few seconds",
    },
];

/// `bench glm`.
pub const GLM: Suite = Suite {
    name: "glm",
    debian: &["r-base-core"],
    packages: &[],
    problems: GLM_PROBLEMS,
};

const GLM_PROBLEMS: &[Problem] = &[
    Problem {
        name: "glm_tall",
        what: "binomial, 100,000 x 10 normals, y > 0, full summary, from memory",
        ours: Ours::Example,
        reps: 10,
        peers: &[
            python("glum", 5, usize::MAX),
            python("statsmodels", 3, usize::MAX),
            r("glm", 3, usize::MAX),
        ],
        goal: "0.015 s",
    },
    Problem {
        name: "glm_wide",
        what: "binomial, 50,000 x 200 normals, y > 0, full summary, from memory",
        ours: Ours::Example,
        reps: 5,
        peers: &[
            python("gram", 10, usize::MAX),
            python("glum", 3, usize::MAX),
            python("statsmodels", 1, 2),
            r("glm", 1, 2),
        ],
        goal: "6 x the OpenBLAS gram",
    },
    Problem {
        name: "counts",
        what: "poisson, n ~ factor(dest) * month + carrier, counts of flights from Parquet, the whole command",
        ours: Ours::Command(&[
            "glm",
            "n ~ factor(dest) * month + carrier",
            "--family",
            "poisson",
            "--data",
            "bench/data/flights_counts.parquet",
            "--json",
        ]),
        reps: 3,
        peers: &[],
        goal: "memory flat in the number of rows",
    },
    Problem {
        name: "counts_100",
        what: "the same rows a hundred times",
        ours: Ours::Command(&[
            "glm",
            "n ~ factor(dest) * month + carrier",
            "--family",
            "poisson",
            "--data",
            "bench/data/flights_counts_100.parquet",
            "--json",
        ]),
        reps: 3,
        peers: &[],
        goal: "memory flat in the number of rows",
    },
];

/// `bench prcomp`.
pub const PRCOMP: Suite = Suite {
    name: "prcomp",
    debian: &["r-base-core", "r-cran-irlba", "r-cran-rsvd", "r-cran-rspectra"],
    packages: &["irlba", "rsvd", "RSpectra"],
    problems: PRCOMP_PROBLEMS,
};

const PRCOMP_PROBLEMS: &[Problem] = &[
    Problem {
        name: "pca_tall",
        what: "10,000 x 1,000, deviations that fall to 0.1, all components and scores, from memory",
        ours: Ours::Example,
        reps: 5,
        peers: &[
            python("scikit-learn covariance_eigh", 3, usize::MAX),
            python("scikit-learn full", 1, 1),
            r("prcomp", 1, 1),
        ],
        goal: "0.7 s, ahead of scikit-learn covariance_eigh",
    },
    Problem {
        name: "pca_steep",
        what: "the same with deviations that fall to 0.001, which a gram leaves too few digits",
        ours: Ours::Example,
        reps: 5,
        peers: &[
            python("scikit-learn covariance_eigh", 3, usize::MAX),
            python("scikit-learn full", 1, 1),
            r("prcomp", 1, 1),
        ],
        goal: "ahead of R prcomp and of scikit-learn full",
    },
    Problem {
        name: "pca_200",
        what: "50,000 x 200 normals, all components and scores, from memory",
        ours: Ours::Example,
        reps: 10,
        peers: &[
            python("scikit-learn covariance_eigh", 5, usize::MAX),
            python("scikit-learn full", 1, 2),
            r("prcomp", 1, 2),
        ],
        goal: "0.2 s",
    },
    Problem {
        name: "pca_rank8",
        what: "50,000 x 200 normals, 8 components to 1e-9 and their scores, from memory",
        ours: Ours::Example,
        reps: 10,
        peers: &[
            python("scikit-learn covariance_eigh", 5, usize::MAX),
            python("scikit-learn randomized", 3, usize::MAX),
            python("scikit-learn arpack", 2, 2),
            r("irlba", 1, 2),
            r("rsvd", 2, 2),
            r("RSpectra", 1, 2),
            r("prcomp", 1, 1),
        ],
        goal: "0.2 s",
    },
    Problem {
        name: "pca_parquet",
        what: "1e6 x 50 from Parquet, 5 components, the whole command; peers only read the file",
        ours: Ours::Command(&[
            "prcomp",
            "--data",
            "bench/data/pca_1e6x50.parquet",
            "--rank",
            "5",
            "--json",
        ]),
        reps: 3,
        peers: &[
            python("pyarrow batches", 2, usize::MAX),
            python("pyarrow read_table", 2, usize::MAX),
        ],
        goal: "1.5 x reading the file, memory flat",
    },
];

/// `bench glmnet`.
pub const GLMNET: Suite = Suite {
    name: "glmnet",
    debian: &["r-base-core", "r-cran-glmnet"],
    packages: &["glmnet"],
    problems: GLMNET_PROBLEMS,
};

const GLMNET_PROBLEMS: &[Problem] = &[
    Problem {
        name: "enet_path",
        what: "lasso path, 100 lambda, 50,000 x 200 with correlations 0.6^|i - j|, from memory",
        ours: Ours::Example,
        reps: 10,
        peers: &[
            python("gram", 10, usize::MAX),
            python("adelie", 2, usize::MAX),
            python("scikit-learn", 1, 2),
            r("glmnet", 2, usize::MAX),
        ],
        goal: "1.2 x the OpenBLAS gram",
    },
    Problem {
        name: "enet_cv",
        what: "ten folds of it",
        ours: Ours::Example,
        reps: 10,
        peers: &[python("gram", 10, usize::MAX), r("glmnet", 1, 1)],
        goal: "1.8 x the OpenBLAS gram, 100 x glmnet",
    },
    Problem {
        name: "enet_alphas",
        what: "the same for alpha = 0, 0.1, ..., 1",
        ours: Ours::Example,
        reps: 5,
        peers: &[python("gram", 10, usize::MAX), r("glmnet", 1, 1)],
        goal: "3.2 x the OpenBLAS gram",
    },
    Problem {
        name: "enet_binomial",
        what: "lasso path, binomial, the same columns",
        ours: Ours::Example,
        reps: 5,
        peers: &[python("gram", 10, usize::MAX), r("glmnet", 1, usize::MAX)],
        goal: "5 x glmnet",
    },
    Problem {
        name: "enet_binomial_cv",
        what: "ten folds of it",
        ours: Ours::Example,
        reps: 1,
        peers: &[python("gram", 10, usize::MAX), r("glmnet", 1, 1)],
        goal: "15 x glmnet",
    },
    Problem {
        name: "enet_wide",
        what: "lasso path, 1,000 x 100,000, 50 columns count",
        ours: Ours::Example,
        reps: 3,
        peers: &[python("adelie", 2, 2), r("glmnet", 1, 1)],
        goal: "3 x adelie",
    },
    Problem {
        name: "enet_wide_exact",
        what: "the same to a violation of 1e-9",
        ours: Ours::Example,
        reps: 3,
        peers: &[python("adelie", 1, 1), r("glmnet", 1, 1)],
        goal: "2 x adelie",
    },
    Problem {
        name: "enet_wide_binomial",
        what: "the same columns, binomial",
        ours: Ours::Example,
        reps: 3,
        peers: &[python("adelie", 1, 1), r("glmnet", 1, 1)],
        goal: "2 x the fastest",
    },
    Problem {
        name: "enet_sparse",
        what: "lasso path, sparse columns, 5,000 x 100,000, one number in a hundred",
        ours: Ours::Example,
        reps: 3,
        peers: &[r("glmnet", 2, 2), python("adelie", 1, 1)],
        goal: "2 x glmnet",
    },
    Problem {
        name: "enet_ar99",
        what: "lasso path, 1,000 x 20,000 with correlations 0.99^|i - j|",
        ours: Ours::Example,
        reps: 3,
        peers: &[r("glmnet", 2, 2)],
        goal: "3 x glmnet",
    },
    Problem {
        name: "enet_ar99_binomial",
        what: "binomial, 50,000 x 200 with correlations 0.99^|i - j|",
        ours: Ours::Example,
        reps: 3,
        peers: &[r("glmnet", 1, 1)],
        goal: "12 x glmnet",
    },
    Problem {
        name: "enet_large_cv",
        what: "ten folds, 250,000 x 800",
        ours: Ours::Example,
        reps: 1,
        peers: &[r("glmnet", 1, 1)],
        goal: "50 x glmnet",
    },
    Problem {
        name: "enet_parquet",
        what: "ten folds of 1e7 rows of 50 columns, from Parquet",
        ours: Ours::Command(&[
            "cv-glmnet",
            "y ~ .",
            "--data",
            "bench/data/enet_1e7x50.parquet",
            "--json",
        ]),
        reps: 2,
        peers: &[python("parquet", 2, usize::MAX)],
        goal: "1.5 x reading the file, 400 MB",
    },
];
