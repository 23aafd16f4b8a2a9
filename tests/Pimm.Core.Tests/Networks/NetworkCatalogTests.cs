using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class NetworkCatalogTests
{
    private static readonly NetworkShape Small = new([3, 4], 2);

    [Fact]
    public void Logs_every_setting_in_force_with_the_defaults()
    {
        var (network, settings) = NetworkCatalog.Create("pimm", Small, new Dictionary<string, string> { ["Towers"] = "16,8,8", ["alpha"] = "0.5", ["step"] = "0.25" });

        using (network)
        {
            settings.Keys.ShouldBe(
            [
                "alpha", "attentionL2", "calibratorWeight", "clock", "detachImplicit", "draw", "dropout", "embedding", "floor", "implicit", "l2", "premise", "premiseActivation",
                "premiseBias", "premiseStart", "sharedAttention", "step", "taskWeights", "towers", "transferDropout", "transferLayer",
            ]);
            settings["towers"].ShouldBe("16,8,8");
            settings["premiseActivation"].ShouldBe("sigmoid");
            network.Curriculum.ShouldBe(new PremiseCurriculum(0.5, 0.25, 0, CurriculumClock.Epoch, PremiseDraw.PerPremise));
        }
    }

    [Fact]
    public void Settings_in_force_create_the_same_network_again()
    {
        var (first, settings) = NetworkCatalog.Create("pimm", Small, new Dictionary<string, string> { ["alpha"] = "0.7", ["towers"] = "6,4", ["dropout"] = "0,0" });
        var (second, again) = NetworkCatalog.Create("pimm", Small, settings);

        using (first)
        using (second)
        {
            again.ShouldBe(settings);
            second.state_dict().Select(pair => (pair.Key, string.Join('x', pair.Value.shape)))
                .ShouldBe(first.state_dict().Select(pair => (pair.Key, string.Join('x', pair.Value.shape))));
        }
    }

    [Theory]
    [InlineData("pim", "", "", "There is no model 'pim'; there are aitm, esm2, esmm,")]
    [InlineData("pimm", "embeding", "5", "The setting 'embeding' is unknown to the model 'pimm'; it knows alpha")]
    [InlineData("pimm", "embedding", "five", "The setting embedding=five of the model 'pimm' cannot be used; it must be a whole number from 1 to 256.")]
    [InlineData("pimm", "alpha", "NaN", "The setting alpha=NaN of the model 'pimm' cannot be used; it must be a number from 0 to 1.")]
    [InlineData("pimm", "premiseActivation", "gelu", "must be sigmoid | tanh | relu.")]
    [InlineData("pimm", "towers", "64,0", "must be numbers from 1 to 4096 joined by commas.")]
    [InlineData("pimm", "towers", "64,32", "2 layers need as many dropout shares, but 3 were given; give one a layer.")]
    [InlineData("pimm", "floor", "0.9", "The curriculum's floor 0.9 is above its alpha 0.666")]
    [InlineData("pimm", "taskWeights", "1,2,3", "3 task weights were given for 2 tasks; give one a task, or none.")]
    [InlineData("shared-bottom", "bottom", "none", "2 layers of bottom and towers need as many dropout shares, but 3 were given")]
    [InlineData("mmoe", "experts", "0", "The setting experts=0 of the model 'mmoe' cannot be used; it must be a whole number from 1 to 64.")]
    [InlineData("mmoe", "expertLayers", "none", "2 layers of experts and towers need as many dropout shares, but 3 were given")]
    [InlineData("ple", "levels", "9", "The setting levels=9 of the model 'ple' cannot be used; it must be a whole number from 1 to 8.")]
    [InlineData("ple", "ownExperts", "0", "The setting ownExperts=0 of the model 'ple' cannot be used; it must be a whole number from 1 to 64.")]
    [InlineData("aitm", "calibratorWeight", "-1", "The setting calibratorWeight=-1 of the model 'aitm' cannot be used; it must be a number from 0 to 100.")]
    [InlineData("aitm", "premise", "true", "The setting 'premise' is unknown to the model 'aitm'")]
    [InlineData("mncm", "expertResidual", "maybe", "The setting expertResidual=maybe of the model 'mncm' cannot be used; it must be true or false.")]
    [InlineData("esmm", "otherPath", "true", "The setting 'otherPath' is unknown to the model 'esmm'")]
    [InlineData("esm2", "otherPath", "true", "otherPath=true of the model 'esm2' takes 3 tasks (click, decisive action, buy), but there are 2; leave it false.")]
    [InlineData("tafe", "loss", "hinge", "The setting loss=hinge of the model 'tafe' cannot be used; it must be dependence | marginal | pairwise.")]
    [InlineData("tafe", "rank", "0", "The setting rank=0 of the model 'tafe' cannot be used; it must be a whole number from 1 to 1024.")]
    [InlineData("shared-bottom", "alpha", "0.5", "The setting 'alpha' is unknown to the model 'shared-bottom'")]
    public void Refuses_what_it_cannot_use_with_one_sentence(string kind, string key, string value, string sentence)
    {
        var settings = key == "" ? new Dictionary<string, string>() : new() { [key] = value };

        Should.Throw<InputException>(() => NetworkCatalog.Create(kind, Small, settings)).Message.ShouldContain(sentence);
    }

    [Fact]
    public void Refuses_weights_of_tasks_for_a_loss_that_has_no_parts()
    {
        var settings = new Dictionary<string, string> { ["loss"] = "marginal", ["taskWeights"] = "1,2" };

        Should.Throw<InputException>(() => NetworkCatalog.Create("tafe", Small, settings)).Message
            .ShouldBe("loss=marginal of the model 'tafe' is one likelihood of the stage where a row stopped and has no weights of tasks; leave taskWeights out or choose loss=dependence.");
    }

    [Fact]
    public void Refuses_a_shape_without_features_or_tasks()
    {
        Should.Throw<InputException>(() => new NetworkShape([], 2).Validated()).Message.ShouldContain("at least one feature");
        Should.Throw<InputException>(() => new NetworkShape([3, 0], 2).Validated()).Message.ShouldContain("Field 1 has a vocabulary of 0 ids");
        Should.Throw<InputException>(() => new NetworkShape([3], 0).Validated()).Message.ShouldContain("0 tasks were asked for");
    }
}
