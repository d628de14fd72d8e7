from django.db import migrations, models

from search.index import KEEP_WORDS, WRITE_WORDS
from search.indexer import TO_INDEX

#: The functions that it creates. A test compares them with those of the program: a changed text needs a migration.
FUNCTIONS = ["search_to_index_e56e735b8359", "search_keep_words_09bb407e1726", "search_write_words_33e56529eabf"]


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="searchentry",
            name="words_digest",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="A digest of the texts of its words: where it stays the same, so do they.",
                max_length=32,
            ),
        ),
        *(plan.migration() for plan in (TO_INDEX, KEEP_WORDS, WRITE_WORDS)),
    ]
