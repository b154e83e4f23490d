//! How do the errors of a model pile up once it reads its own text, where does that
//! start, and does it help to look ahead?
//!
//! ```text
//! cargo run --release --example snowball              # three voices that come along
//! cargo run --release --example snowball -- TEXT      # any text in UTF-8
//! cargo run --release --example snowball -- --toy     # two tokens, and a loop that the data rarely visit
//! ```
//!
//! The data are the windows of the letters of a text, the model is a smoothed n-gram
//! model of a lower order, kept to the contexts that occur. Both are chains over
//! the same contexts, so every number is exact; only what the surprisal test reads is
//! sampled.

#[path = "../support/mod.rs"]
mod support;

mod options;
mod report;
mod subject;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use lmchain::chain::Start;
use lmchain::exposure::{ContributionOrder, Exposure, LookAheadCalibration, SurprisalTest};
use lmchain::stationary::StationarySolver;

use options::Options;
use subject::Subject;
use support::Watch;

/// States from all pairs of which the contraction of the model is found at once.
const FEW_STATES: usize = 1000;

fn main() -> ExitCode {
    let options = Options::parse();
    let mut watch = Watch::new();
    let told = tell(&options, &mut watch);
    watch.clear();
    support::exit_code("snowball", told)
}

fn tell(options: &Options, watch: &mut Watch) -> Result<(), Box<dyn Error>> {
    let subject = Subject::of(options, watch)?;
    let Subject { data, data_law, model, model_law, .. } = &subject;
    watch.clear();
    report::size(&subject);

    // How large are the errors, in the contexts of the data and in the model's own?
    let exposure =
        watch.during("how far apart they are", || Exposure::measure(data, data_law, model, model_law))?;
    report::rates(&exposure.rates());
    let curve = exposure.curve_watched(Start::Law(data_law), options.steps, watch)?;
    let plateau = watch.during("the plateau", || exposure.plateau())?.converged()?;
    watch.clear();
    report::snowball(&curve, &plateau);

    // How far does the text get from the data?
    let linear = exposure.linear_bounds(options.steps);
    let contraction = (data.len() <= FEW_STATES)
        .then(|| watch.during("bounds by contraction", || exposure.contraction_bounds(options.steps)));
    report::distance(&curve, &linear, contraction.transpose()?.as_ref(), options)?;

    // Where does it start, and where does it end up?
    let origins = watch.during("where it starts", || exposure.origins(options.contexts))?.converged()?;
    let contributions = exposure.contributions(ContributionOrder::Increase, options.contexts);
    report::origins(&origins, &contributions);

    // Does it help to look ahead by one token?
    let fit = LookAheadCalibration::new().fit(&exposure)?.converged()?;
    let calibrated = exposure.look_ahead(fit.alpha)?;
    let solved = StationarySolver::new().solve_watched(&calibrated, watch)?.converged()?;
    let calibrated_law = solved.unique()?;
    let after = watch.during("how far apart they are now", || {
        Exposure::measure(data, data_law, &calibrated, &calibrated_law)
    })?;
    let curve_after = after.curve_watched(Start::Law(data_law), options.steps, watch)?;
    watch.clear();
    report::calibration(&fit, &exposure.rates(), &after.rates());
    report::curves(&curve, &curve_after, options)?;

    // Without a reference: is a text the model's own?
    let test = SurprisalTest::new().false_alarms(options.false_alarms);
    let own = test.measure_watched(&*subject.asked, &subject.own, watch)?;
    let real = test.measure_watched(&*subject.asked, &subject.real, watch)?;
    watch.clear();
    report::surprisal(&own, &real, options)?;
    Ok(())
}
