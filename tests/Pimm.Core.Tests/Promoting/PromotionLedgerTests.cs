using Pimm.Core.Promoting;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Promoting;

public sealed class PromotionLedgerTests
{
    [Fact]
    public void Rolling_back_again_goes_one_further_back()
    {
        var ledger = Of((1, null), (2, null), (3, null));
        (ledger.Champion!.Version, ledger.Before!.Version).ShouldBe((3, 2));

        ledger = Of((1, null), (2, null), (3, null), (2, 3));
        (ledger.Champion!.Version, ledger.Before!.Version).ShouldBe((2, 1));

        ledger = Of((1, null), (2, null), (3, null), (2, 3), (1, 2));
        ledger.Champion!.Version.ShouldBe(1);
        ledger.Before.ShouldBeNull();
        ledger.RolledBack.ShouldBe([3L, 2L], ignoreOrder: true);
    }

    [Fact]
    public void A_promotion_after_a_roll_back_has_the_restored_champion_before_it()
    {
        var ledger = Of((1, null), (2, null), (1, 2), (4, null));

        (ledger.Champion!.Version, ledger.Before!.Version).ShouldBe((4, 1));
    }

    [Fact]
    public void A_person_who_promotes_an_older_version_can_take_that_back_too()
    {
        var ledger = Of((1, null), (2, null), (3, null), (1, null));

        (ledger.Champion!.Version, ledger.Before!.Version).ShouldBe((1, 3));
        ledger.RolledBack.ShouldBeEmpty();
    }

    [Fact]
    public void A_line_without_promotions_has_neither()
    {
        var ledger = Of();

        ledger.Champion.ShouldBeNull();
        ledger.Before.ShouldBeNull();
    }

    private static PromotionLedger Of(params (int Version, int? RolledBack)[] promotions) =>
        new(promotions.Select((p, i) => new Promotion(i + 1, p.Version, p.Version, default, "", "", null, p.RolledBack)));
}
