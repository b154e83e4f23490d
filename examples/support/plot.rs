//! Figures as SVG files: curves, heat maps and bars.

use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(51, 51, 51);
const FAINT: RGBColor = RGBColor(214, 214, 214);

/// Colours that the colour-blind tell apart (Okabe & Ito, 2008).
const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// What is written on a figure.
pub(crate) struct Labels<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
}

/// A curve with a name for the legend.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// How an axis is divided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    Linear,
    /// Equal ratios side by side; of positive numbers only.
    Logarithmic,
}

/// A cell of a heat map: coloured by its value, which is written into it unless
/// it has a mark; blank without a value.
pub(crate) struct Cell {
    pub(crate) value: Option<f64>,
    pub(crate) mark: Option<String>,
}

/// Rows from the top down, each with its name, of named columns.
pub(crate) struct HeatMap {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<Cell>)>,
    /// The values that the coldest and the hottest colour stand for, and their names.
    pub(crate) range: Range<f64>,
    pub(crate) ends: [String; 2],
}

/// The folder that figures are written to.
pub(crate) struct Plots {
    folder: PathBuf,
}

impl Plots {
    pub(crate) fn new(folder: &Path) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Several curves over one pair of axes; the vertical one starts at 0.
    pub(crate) fn curves(
        &self,
        name: &str,
        labels: &Labels<'_>,
        axis: Axis,
        series: &[Series],
    ) -> Result<PathBuf, Box<dyn Error>> {
        self.curves_and_dots(name, labels, axis, series, &[])
    }

    /// As [`curves`](Self::curves), with dots that no line joins.
    pub(crate) fn curves_and_dots(
        &self,
        name: &str,
        labels: &Labels<'_>,
        axis: Axis,
        curves: &[Series],
        dots: &[Series],
    ) -> Result<PathBuf, Box<dyn Error>> {
        self.curves_and_dots_on(name, labels, [axis, Axis::Linear], curves, dots)
    }

    /// As [`curves_and_dots`](Self::curves_and_dots), with both axes chosen: the
    /// horizontal one, and the vertical one, which starts at 0 unless it is logarithmic:
    /// then points that are not positive are left out.
    pub(crate) fn curves_and_dots_on(
        &self,
        name: &str,
        labels: &Labels<'_>,
        axes: [Axis; 2],
        curves: &[Series],
        dots: &[Series],
    ) -> Result<PathBuf, Box<dyn Error>> {
        self.write(name, (860, 540), |area| draw_curves(area, labels, axes, curves, dots))
    }

    /// One coloured cell a value, with the scale beside it.
    pub(crate) fn heat_map(
        &self,
        name: &str,
        labels: &Labels<'_>,
        map: &HeatMap,
    ) -> Result<PathBuf, Box<dyn Error>> {
        let sheet = Sheet::of(map);
        self.write(name, sheet.size(), |area| sheet.draw(area, labels))
    }

    /// One horizontal bar a row: label, bar and value. The vertical label is not used.
    pub(crate) fn bars(
        &self,
        name: &str,
        labels: &Labels<'_>,
        rows: &[(String, f64)],
        value: impl Fn(f64) -> String,
    ) -> Result<PathBuf, Box<dyn Error>> {
        let height = 110 + BAR_HEIGHT * rows.len() as u32;
        self.write(name, (860, height), |area| draw_bars(area, labels, rows, value))
    }

    /// Writes beside the file and renames, so that nobody reads half a figure.
    fn write(
        &self,
        name: &str,
        size: (u32, u32),
        draw: impl FnOnce(&Area<'_>) -> Drawn,
    ) -> Result<PathBuf, Box<dyn Error>> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            area.fill(&WHITE)?;
            draw(&area)?;
            area.present()?;
        }
        let path = self.folder.join(format!("{name}.svg"));
        let beside = self.folder.join(format!("{name}.svg.{}", std::process::id()));
        fs::write(&beside, svg)?;
        fs::rename(&beside, &path)?;
        Ok(path)
    }
}

fn font(size: u32, color: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    (FONT, size).into_font().color(&color).pos(Pos::new(horizontal, vertical))
}

fn title(area: &Area<'_>, text: &str) -> Drawn {
    let style =
        (FONT, 21).into_font().style(FontStyle::Bold).color(&INK).pos(Pos::new(HPos::Left, VPos::Top));
    area.draw(&Text::new(text.to_owned(), (24, 18), style))?;
    Ok(())
}

/// By how much the vertical axis grows where the legend needs room.
const HEADROOM: f64 = 1.4;

// ---- curves ---------------------------------------------------------------------

fn draw_curves(
    area: &Area<'_>,
    labels: &Labels<'_>,
    [across, up]: [Axis; 2],
    curves: &[Series],
    dots: &[Series],
) -> Drawn {
    title(area, labels.title)?;
    let place = |&(x, y): &(f64, f64)| (across.place(x), up.place(y));
    let is_shown = |point: &&(f64, f64)| up == Axis::Linear || point.1 > 0.0;
    let points =
        || curves.iter().chain(dots).flat_map(|series| series.points.iter().filter(is_shown).map(place));
    let (left, right) = range(points().map(|(x, _)| x));
    let (bottom, top) = match up {
        Axis::Linear => (0.0, 1.04 * largest(points().map(|(_, y)| y))),
        Axis::Logarithmic => range(points().map(|(_, y)| y)),
    };
    let inside = |(x, y): (f64, f64)| ((x - left) / (right - left), (y - bottom) / (top - bottom));
    let lines: Vec<Vec<(f64, f64)>> = curves
        .iter()
        .map(|series| series.points.iter().filter(is_shown).map(|point| inside(place(point))).collect())
        .collect();
    let dotted = dots.iter().flat_map(|series| &series.points).filter(is_shown);
    let dotted = dotted.map(|point| inside(place(point)));
    let corner = empty_corner(&lines.iter().flat_map(|line| along(line)).chain(dotted).collect::<Vec<_>>());
    // Where no corner is empty, the legend gets room above the curves.
    let top = if corner.is_none() { bottom + (top - bottom) * HEADROOM } else { top };
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        .margin_top(60)
        .x_label_area_size(52)
        .y_label_area_size(66)
        .build_cartesian_2d(Scale::new(across, left..right), Scale::new(up, bottom..top))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(font(15, INK, HPos::Center, VPos::Center))
        .axis_desc_style((FONT, 16).into_font().color(&INK))
        .x_desc(labels.x)
        .y_desc(labels.y)
        .x_label_formatter(&|x| across.label(*x))
        .y_label_formatter(&|y| up.label(*y))
        .draw()?;
    let mut colors = PALETTE.iter().cycle();
    for (series, color) in curves.iter().zip(colors.by_ref()) {
        let line = series.points.iter().filter(is_shown).map(place);
        chart
            .draw_series(LineSeries::new(line, color.stroke_width(3)))?
            .label(series.name.clone())
            .legend(|(x, y)| PathElement::new([(x, y), (x + 26, y)], color.stroke_width(3)));
    }
    for (series, color) in dots.iter().zip(colors) {
        let dot = |point: &(f64, f64)| Circle::new(place(point), 5, color.filled());
        chart
            .draw_series(series.points.iter().filter(is_shown).map(dot))?
            .label(series.name.clone())
            .legend(|(x, y)| Circle::new((x + 13, y), 5, color.filled()));
    }
    chart
        .configure_series_labels()
        .position(corner.unwrap_or(SeriesLabelPosition::UpperRight))
        .legend_area_size(36)
        .margin(14)
        .background_style(WHITE.mix(0.85))
        .label_font((FONT, 15).into_font().color(&INK))
        .draw()?;
    Ok(())
}

/// Points of a line, near enough to each other to show where it goes.
fn along(line: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let between = |pair: &[(f64, f64)]| {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        (0..=20)
            .map(move |part| f64::from(part) / 20.0)
            .map(move |t| (x0 + t * (x1 - x0), y0 + t * (y1 - y0)))
    };
    line.windows(2).flat_map(between)
}

/// A corner without points, of points in the unit square.
fn empty_corner(points: &[(f64, f64)]) -> Option<SeriesLabelPosition> {
    let is_empty = |right: bool, upper: bool| {
        let inside = |&(x, y): &(f64, f64)| {
            (if right { x > 0.6 } else { x < 0.4 }) && (if upper { y > 0.65 } else { y < 0.35 })
        };
        !points.iter().any(inside)
    };
    let corners = [
        (true, true, SeriesLabelPosition::UpperRight),
        (true, false, SeriesLabelPosition::LowerRight),
        (false, true, SeriesLabelPosition::UpperLeft),
        (false, false, SeriesLabelPosition::LowerLeft),
    ];
    corners.into_iter().find(|&(right, upper, _)| is_empty(right, upper)).map(|(_, _, corner)| corner)
}

impl Axis {
    /// Where a number stands.
    fn place(self, number: f64) -> f64 {
        if self == Self::Logarithmic { number.log10() } else { number }
    }

    /// What is written at a place.
    fn label(self, place: f64) -> String {
        number(if self == Self::Logarithmic { 10f64.powf(place) } else { place })
    }
}

/// The numbers along an axis; on a logarithmic one stand the logarithms, and numbers at
/// 1, 2 and 5 in every decade, or at some decades if there are many.
struct Scale {
    places: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Scale {
    fn new(axis: Axis, range: Range<f64>) -> Self {
        let places = RangedCoordf64::from(range.clone());
        if axis == Axis::Linear {
            return Self { ticks: places.key_points(10), places };
        }
        let decades = range.end.ceil() as i32 - range.start.floor() as i32;
        let firsts: &[f64] = if decades > 4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let numbers = (range.start.floor() as i32..=range.end.ceil() as i32)
            .filter(|decade| decade % (1 + decades / 10) == 0)
            .flat_map(|decade| firsts.iter().map(move |first| f64::from(decade) + first.log10()));
        let inside = |tick: &f64| (range.start - 1e-9..=range.end + 1e-9).contains(tick);
        Self { ticks: numbers.filter(inside).collect(), places }
    }
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, pixels: (i32, i32)) -> i32 {
        self.places.map(place, pixels)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.places.range()
    }
}

/// The least and the greatest of some numbers, apart even where they are equal.
fn range(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = numbers
        .filter(|number| number.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| (least.min(x), most.max(x)));
    if least < most { (least, most) } else { (least.min(0.0), most.max(0.0) + 1.0) }
}

/// The largest of some numbers, or 1 if none is positive.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    let largest = numbers.filter(|number| number.is_finite()).fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

/// A number in at most four digits, without zeros at the end.
fn number(x: f64) -> String {
    if x != 0.0 && !(1e-4..1e6).contains(&x.abs()) {
        return format!("{x:.1e}").replace(".0e", "e");
    }
    let digits = if x == 0.0 { 0 } else { (3.0 - x.abs().log10().floor()).clamp(0.0, 8.0) as usize };
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

// ---- heat maps ------------------------------------------------------------------

const CELL: i32 = 84;
const LEFT: i32 = 88;
const TOP: i32 = 64;

/// A heat map laid out in pixels.
struct Sheet<'a> {
    map: &'a HeatMap,
    width: i32,
    height: i32,
}

impl<'a> Sheet<'a> {
    fn of(map: &'a HeatMap) -> Self {
        Self { map, width: CELL * map.columns.len() as i32, height: CELL * map.rows.len() as i32 }
    }

    fn size(&self) -> (u32, u32) {
        ((LEFT + self.width + 200) as u32, (TOP + self.height + 76) as u32)
    }

    fn draw(&self, area: &Area<'_>, labels: &Labels<'_>) -> Drawn {
        title(area, labels.title)?;
        for (row, (_, cells)) in self.map.rows.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                self.draw_cell(area, row as i32, column as i32, cell)?;
            }
        }
        self.draw_names(area, labels)?;
        self.draw_scale(area)
    }

    fn draw_cell(&self, area: &Area<'_>, row: i32, column: i32, cell: &Cell) -> Drawn {
        let (x, y) = (LEFT + CELL * column, TOP + CELL * row);
        let share = cell.value.map(|value| self.share(value));
        let fill = share.map_or(INK.mix(0.72).to_rgba(), |share| shade(share).to_rgba());
        area.draw(&Rectangle::new([(x, y), (x + CELL, y + CELL)], fill.filled()))?;
        area.draw(&Rectangle::new([(x, y), (x + CELL, y + CELL)], WHITE.stroke_width(2)))?;
        let is_dark = share.is_none_or(|share| (share - 0.5).abs() > 0.34);
        let color = if is_dark { WHITE } else { INK };
        let number = cell.value.map(|value| format!("{value:.3}"));
        if let Some(text) = cell.mark.clone().or(number) {
            let style = font(17, color, HPos::Center, VPos::Center);
            area.draw(&Text::new(text, (x + CELL / 2, y + CELL / 2), style))?;
        }
        Ok(())
    }

    fn draw_names(&self, area: &Area<'_>, labels: &Labels<'_>) -> Drawn {
        let bottom = TOP + self.height;
        let style = |horizontal| font(16, INK, horizontal, VPos::Center);
        for (column, name) in self.map.columns.iter().enumerate() {
            let x = LEFT + CELL * column as i32 + CELL / 2;
            area.draw(&Text::new(name.clone(), (x, bottom + 18), style(HPos::Center)))?;
        }
        for (row, (name, _)) in self.map.rows.iter().enumerate() {
            let y = TOP + CELL * row as i32 + CELL / 2;
            area.draw(&Text::new(name.clone(), (LEFT - 12, y), style(HPos::Right)))?;
        }
        let middle = LEFT + self.width / 2;
        area.draw(&Text::new(labels.x.to_owned(), (middle, bottom + 48), style(HPos::Center)))?;
        let turned = (FONT, 16).into_font().transform(FontTransform::Rotate270).color(&INK);
        let turned = turned.pos(Pos::new(HPos::Center, VPos::Center));
        area.draw(&Text::new(labels.y.to_owned(), (28, TOP + self.height / 2), turned))?;
        Ok(())
    }

    /// The colours from the hottest down, with the numbers that they stand for.
    fn draw_scale(&self, area: &Area<'_>) -> Drawn {
        const STEPS: i32 = 64;
        let (x, height) = (LEFT + self.width + 40, self.height);
        for step in 0..STEPS {
            let (from, to) = (TOP + height * step / STEPS, TOP + height * (step + 1) / STEPS);
            let color = shade(1.0 - (f64::from(step) + 0.5) / f64::from(STEPS));
            area.draw(&Rectangle::new([(x, from), (x + 22, to)], color.filled()))?;
        }
        let Range { start, end } = self.map.range;
        for quarter in 0..=4 {
            let share = f64::from(quarter) / 4.0;
            let y = TOP + ((1.0 - share) * f64::from(height)) as i32;
            let text = match quarter {
                0 => format!("{}: {}", number(start), self.map.ends[0]),
                4 => format!("{}: {}", number(end), self.map.ends[1]),
                _ => number(start + share * (end - start)),
            };
            let inside = y.clamp(TOP + 7, TOP + height - 7);
            area.draw(&Text::new(text, (x + 32, inside), font(15, INK, HPos::Left, VPos::Center)))?;
        }
        Ok(())
    }

    fn share(&self, value: f64) -> f64 {
        let Range { start, end } = self.map.range;
        ((value - start) / (end - start)).clamp(0.0, 1.0)
    }
}

/// From blue over near-white to vermilion.
fn shade(share: f64) -> RGBColor {
    const ENDS: [[f64; 3]; 3] = [[0.0, 96.0, 160.0], [245.0, 243.0, 238.0], [198.0, 76.0, 8.0]];
    let (from, to, part) =
        if share < 0.5 { (ENDS[0], ENDS[1], 2.0 * share) } else { (ENDS[1], ENDS[2], 2.0 * share - 1.0) };
    let mixed = |channel: usize| (from[channel] + part * (to[channel] - from[channel])).round() as u8;
    RGBColor(mixed(0), mixed(1), mixed(2))
}

// ---- bars -----------------------------------------------------------------------

const BAR_HEIGHT: u32 = 30;

fn draw_bars(
    area: &Area<'_>,
    labels: &Labels<'_>,
    rows: &[(String, f64)],
    value: impl Fn(f64) -> String,
) -> Drawn {
    title(area, labels.title)?;
    let longest = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0) as i32;
    let (left, room) = (40 + 9 * longest, 860 - 40 - 9 * longest - 120);
    let largest = largest(rows.iter().map(|&(_, size)| size));
    for (row, (label, size)) in rows.iter().enumerate() {
        let y = TOP + row as i32 * BAR_HEIGHT as i32;
        let (middle, end) = (y + BAR_HEIGHT as i32 / 2, left + (size / largest * f64::from(room)) as i32);
        let bar = [(left, y + 4), (end.max(left + 1), y + BAR_HEIGHT as i32 - 4)];
        area.draw(&Rectangle::new(bar, PALETTE[0].filled()))?;
        let label_style = font(16, INK, HPos::Right, VPos::Center);
        area.draw(&Text::new(label.clone(), (left - 10, middle), label_style))?;
        let value_style = font(15, INK, HPos::Left, VPos::Center);
        area.draw(&Text::new(value(*size), (end + 8, middle), value_style))?;
    }
    let bottom = TOP + (rows.len() as i32) * BAR_HEIGHT as i32 + 20;
    let style = font(16, INK, HPos::Center, VPos::Center);
    area.draw(&Text::new(labels.x.to_owned(), (left + room / 2, bottom), style))?;
    Ok(())
}
