using Pimm.Core.Networks;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Networks;

public class PremiseCurriculumTests
{
    [Theory]
    [InlineData("alicpp(a=.5,S=.25,b=.25)", 0.5, 0.25, 0.25)]
    [InlineData("industrial(a=2/3,S=1/3,b=0)", 2.0 / 3, 1.0 / 3, 0)]
    public void Falls_by_a_step_an_epoch_down_to_the_floor(string key, double alpha, double step, double floor)
    {
        var curriculum = Curriculum(alpha, step, floor);

        var expected = GoldenVectors.Numbers("pimm_schedule", key);

        for (var epoch = 0; epoch < expected.Length; epoch++)
        {
            curriculum.ProbabilityAt(epoch).ShouldBe(expected[epoch], 1e-12);
        }
    }

    [Fact]
    public void Is_constant_within_an_epoch_by_default_and_falls_within_it_by_the_clock_of_steps()
    {
        Curriculum(1, 0.5, 0).ProbabilityAt(0.9).ShouldBe(1);
        (Curriculum(1, 0.5, 0) with { Clock = CurriculumClock.Step }).ProbabilityAt(0.9).ShouldBe(0.55, 1e-12);
    }

    [Theory]
    [InlineData(2.0 / 3, 1.0 / 3, 0, 2)]
    [InlineData(0.5, 0.25, 0.25, 1)]
    [InlineData(1, 0.3, 0, 4)]
    [InlineData(0, 0, 0, 0)]
    [InlineData(1, 0, 1, 0)]
    public void Names_the_first_epoch_at_the_floor(double alpha, double step, double floor, int expected)
    {
        var curriculum = Curriculum(alpha, step, floor);

        curriculum.EpochOfFloor.ShouldBe(expected);
        curriculum.ProbabilityAt(expected).ShouldBe(floor, 1e-9);
    }

    private static PremiseCurriculum Curriculum(double alpha, double step, double floor) =>
        new(alpha, step, floor, CurriculumClock.Epoch, PremiseDraw.PerPremise);
}
