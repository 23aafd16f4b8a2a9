using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class ProportionIntervalTests
{
    // statsmodels.stats.proportion.proportion_confint(count, nobs, 0.05, method), methods wilson, beta, jeffreys, agresti_coull, normal.
    [Theory]
    [InlineData("wilson", 1000, 24, 0.016180168466636998, 0.03546290561161149)]
    [InlineData("wilson", 1000000, 13, 7.5976191153199e-06, 2.2243725071079383e-05)]
    [InlineData("clopper-pearson", 1000, 24, 0.01543638323350848, 0.03550063853135919)]
    [InlineData("clopper-pearson", 20, 0, 0, 0.16843347098308534)]
    [InlineData("clopper-pearson", 20, 20, 0.8315665290169146, 1)]
    [InlineData("clopper-pearson", 1000000, 13, 6.921970066095001e-06, 2.223029332048732e-05)]
    [InlineData("jeffreys", 1000, 24, 0.015838931961821658, 0.03490701799342685)]
    [InlineData("jeffreys", 20, 0, 2.4246478459242774e-05, 0.11663898290487539)]
    [InlineData("jeffreys", 20, 20, 0.8833610170951246, 0.9999757535215408)]
    [InlineData("jeffreys", 1000000, 13, 7.286710359396315e-06, 2.1597157245215994e-05)]
    [InlineData("agresti-coull", 1000, 24, 0.01601025333302523, 0.035632820745223254)]
    [InlineData("agresti-coull", 20, 0, 0, 0.18980956054248888)]
    [InlineData("wald", 1000, 24, 0.014514098281347249, 0.033485901718652754)]
    [InlineData("wald", 20, 20, 1, 1)]
    public void Every_method_gives_its_reference_bounds(string method, long n, long conversions, double lower, double upper)
    {
        Estimate interval = Of(new Proportion(n, conversions), method);
        interval.Method.ShouldBe(method);
        interval.Value.ShouldBe((double)conversions / n);
        interval.Lower!.Value.ShouldBe(lower, 1e-6 * Math.Max(lower, 1e-7));
        interval.Upper!.Value.ShouldBe(upper, 1e-6 * upper);
    }

    [Theory]
    [InlineData("wilson")]
    [InlineData("clopper-pearson")]
    [InlineData("jeffreys")]
    [InlineData("agresti-coull")]
    [InlineData("wald")]
    public void Failures_have_the_mirrored_interval_and_nobody_has_none(string method)
    {
        Estimate hits = Of(new Proportion(57, 9), method), misses = Of(new Proportion(57, 48), method);
        hits.Lower!.Value.ShouldBe(1 - misses.Upper!.Value, 1e-10);
        Of(new Proportion(0, 0), method).ShouldSatisfyAllConditions(none => none.Lower.ShouldBeNull(), none => none.Note.ShouldNotBeNull());
    }

    private static Estimate Of(Proportion proportion, string method) => method switch
    {
        "clopper-pearson" => proportion.ClopperPearson(),
        "jeffreys" => proportion.Jeffreys(),
        "agresti-coull" => proportion.AgrestiCoull(),
        "wald" => proportion.Wald(),
        _ => proportion.Wilson(),
    };
}
