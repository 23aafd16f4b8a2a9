using Pimm.Core.Networks;
using Pimm.Core.Statistics;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

public class PremiseDrawsTests
{
    // Invariant 6.
    [Theory]
    [InlineData(PremiseDraw.PerPremise, 0.25)]
    [InlineData(PremiseDraw.PerPremise, 2.0 / 3)]
    [InlineData(PremiseDraw.PerRow, 0.25)]
    public void Shows_labels_at_the_rate_p_within_four_sigma(PremiseDraw draw, double probability)
    {
        const int rows = 40_000;
        var shown = Drawn(rows, draw, probability)!;
        var independent = draw == PremiseDraw.PerRow ? rows : rows * 2;

        shown.Average().ShouldBe((float)probability, (float)(4 * Math.Sqrt(probability * (1 - probability) / independent)));
    }

    [Fact]
    public void Draws_each_premise_each_row_or_the_batch_as_chosen()
    {
        var premise = Drawn(1000, PremiseDraw.PerPremise, 0.5)!;
        var row = Drawn(1000, PremiseDraw.PerRow, 0.5)!;
        var batch = Drawn(1000, PremiseDraw.PerBatch, 0.5)!;

        Pairs(premise).Count(pair => pair.First != pair.Second).ShouldBeInRange(400, 600);
        Pairs(row).ShouldAllBe(pair => pair.First == pair.Second);
        row.Distinct().Count().ShouldBe(2);
        batch.Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public void Needs_no_draw_at_the_floor_of_zero_nor_for_a_single_task()
    {
        Drawn(10, PremiseDraw.PerPremise, 0).ShouldBeNull();
        new PremiseDraws(new(1, 0, 1, CurriculumClock.Epoch, PremiseDraw.PerPremise), tasks: 1, new RandomStream(1)).Draw([], 0).ShouldBeFalse();
        Drawn(10, PremiseDraw.PerPremise, 1)!.ShouldAllBe(shows => shows == 1);
    }

    [Fact]
    public void The_same_seed_draws_the_same()
    {
        Drawn(100, PremiseDraw.PerPremise, 0.5).ShouldBe(Drawn(100, PremiseDraw.PerPremise, 0.5));
    }

    /// <returns>null where nothing needed drawing</returns>
    private static float[]? Drawn(int rows, PremiseDraw draw, double probability)
    {
        var shown = new float[rows * 2];
        var draws = new PremiseDraws(new(probability, 0, probability, CurriculumClock.Epoch, draw), tasks: 3, new RandomStream(9, "premise"));
        return draws.Draw(shown, 0) ? shown : null;
    }

    private static IEnumerable<(float First, float Second)> Pairs(float[] shown) => shown.Chunk(2).Select(pair => (pair[0], pair[1]));
}
