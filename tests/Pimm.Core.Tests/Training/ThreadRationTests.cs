using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

/// <summary>How many threads compute while others use the machine too.</summary>
public sealed class ThreadRationTests
{
    [Fact]
    public void On_a_free_machine_all_compute()
    {
        var ration = new ThreadRation(8);

        Looks(ration, 100, 0).ShouldAllBe(threads => threads == 8);
    }

    [Fact]
    public void As_many_fewer_compute_as_waited_but_always_one()
    {
        new ThreadRation(8).Look(0.5).ShouldBe(7);
        new ThreadRation(8).Look(2.3).ShouldBe(5);
        new ThreadRation(8).Look(20).ShouldBe(1);
        new ThreadRation(1).Look(1).ShouldBe(1);
    }

    [Fact]
    public void A_wait_that_costs_less_than_a_thread_is_borne()
    {
        var ration = new ThreadRation(2);

        Looks(ration, 100, 0.3).ShouldAllBe(threads => threads == 2);
        ration.Look(0.35).ShouldBe(1);
    }

    [Fact]
    public void One_more_is_tried_after_a_calm_while_until_all_compute()
    {
        var ration = new ThreadRation(3);
        ration.Look(2);

        Looks(ration, 9, 0).ShouldBe([1, 1, 1, 2, 2, 2, 2, 3, 3]);
    }

    [Fact]
    public void A_look_that_is_not_calm_begins_the_while_anew()
    {
        var ration = new ThreadRation(2);
        ration.Look(1);

        Looks(ration, 3, 0).ShouldAllBe(threads => threads == 1);
        ration.Look(0.2).ShouldBe(1);
        Looks(ration, 4, 0).ShouldBe([1, 1, 1, 2]);
    }

    [Fact]
    public void Each_try_that_fails_doubles_the_while_up_to_a_bound_and_one_that_lasts_ends_that()
    {
        var ration = new ThreadRation(2);
        ration.Look(1);

        var whiles = Enumerable.Range(0, 7).Select(_ =>
        {
            var looks = Until(ration, 2);
            ration.Look(1);
            return looks;
        }).ToList();
        whiles.ShouldBe([4, 8, 16, 32, 64, 64, 64]);

        Until(ration, 2);
        Looks(ration, 4, 0);
        ration.Look(1).ShouldBe(1);
        Until(ration, 2).ShouldBe(4);
    }

    private static int Until(ThreadRation ration, int threads) => Enumerable.Range(1, 1000).First(_ => ration.Look(0) == threads);

    private static List<int> Looks(ThreadRation ration, int count, double waiting) => [.. Enumerable.Range(0, count).Select(_ => ration.Look(waiting))];
}
