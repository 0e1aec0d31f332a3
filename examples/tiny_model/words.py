# SPDX-License-Identifier: Apache-2.0
"""The closed lists that the generated conversations draw from.

`WORDS` holds lower-case ASCII words of 3 to 10 letters; the spelling of each is learnt by heart,
so the letter tasks (reverse, spell, count) are right for these words first of all.
"""

WORDS = sorted(set("""
able about above accept across action active actor add address adult adventure advice afraid after again age agree air
airport alarm album alive allow almost alone along already also always amazing amount anchor ancient angel anger angle
animal ankle answer ant anybody apple april apron arch area arm army around arrive arrow art ask athlete attic august
aunt autumn avenue awake away axe baby back bacon badge bag bake baker balance ball balloon bamboo banana band bank bar
barber bark barn barrel base basil basket bat bath battery beach bead beak beam bean bear beard beast beauty beaver bed
bee beef beetle before begin behave behind bell belt bench berry best better between beyond bicycle big bike bird birth
biscuit bishop bite bitter black blade blanket blaze blend blind block blood bloom blossom blouse blue board boat body
bold bolt bone bonus book boot border borrow boss bottle bottom bounce bowl box boy brain branch brass brave bread break
breakfast breath breeze brick bridge brief bright bring broken bronze broom brother brown brush bubble bucket buffalo
build builder bulb bull bundle burger burn bus bush busy butcher butter butterfly button buy cabbage cabin cable cactus
cage cake calendar calf call calm camel camera camp canal candle candy canoe canvas captain car caravan card care
careful carpet carrot carry cart castle cat catch cattle cave ceiling celery cell cellar cement center century cereal
chain chair chalk champion chance change chapel chapter charm chart cheap check cheek cheese cheetah chef cherry chess
chest chestnut chicken chief child chimney chin chocolate choice choose church cinema cinnamon circle circus citizen
city clap class classroom clay clean clear clever cliff climb clock close cloth cloud clover clown club coach coal coast
coat cobra coconut coffee coin cold collar collect college color column comb come comet comfort common compass computer
concert cook cookie cool copper coral corn corner correct cottage cotton couch cough count country couple courage
cousin cover cow coyote crab cradle crane crayon cream create creature creek cricket crisp crocodile crop cross crow
crowd crown cruise crumb crust cry crystal cube cucumber cup cupboard cure curious current curtain curve cushion custom
cycle daily dairy daisy dance danger dark dash daughter dawn day dead dear december decide deep deer degree delight
deliver dentist depth desert design desk dessert detail diamond diary dictionary differ dig dinner dirt dish distance
dive divide doctor dog doll dollar dolphin donkey door double dough dove down dozen dragon drama draw drawer dream dress
drift drill drink drive driver drop drum dry duck dull during dust duty eager eagle ear early earn earth easel east easy
eat echo edge editor eel effort egg eight elbow elder elephant eleven elf elm empty end enemy energy engine enjoy
enough enter entry equal eraser errand escape evening ever every exact example excite exit expert explain explore extra
eye fabric face fact factory fair fairy faith falcon fall family famous fan fancy far farm farmer fast father fault
feast feather february feed feel fellow fence fern ferry festival fever few fiddle field fig fight figure fill film
final find fine finger finish fire fish fisherman fist five fix flag flame flamingo flat flavor flesh flight float flock
flood floor flour flower fluffy flute fly foam fog fold follow food foot football forest forget fork form fort forty
forward fossil fountain fox frame freedom freeze fresh friday friend frog front frost frozen fruit full funny fur future
galaxy gallery game garage garden garlic gate gather gem general gentle ghost giant gift ginger giraffe girl give glad
glass glide globe glory glove glow glue goal goat gold golden golf good goose gorilla grace grain grand grandfather
grape graph grass gravel gravity gray great green greet grey grill ground group grow guard guess guest guide guitar gull
gum habit hail hair half hall hammer hammock hamster hand handle happen happy harbor hard harmony harp harvest hat hawk
hazel head health heart heat heaven heavy hedgehog heel helicopter hello helmet help hen herb hero heron hill hippo
history hobby hockey hold hole holiday hollow home honest honey hood hook hope horizon horn horse hospital host hotel
hour house human humor hundred hungry hunt hurry husband ice icon idea igloo image imagine inch include index ink inn
insect inside iron island ivory ivy jacket jaguar jam january jar jaw jazz jeans jelly jewel job join joke journey joy
judge juice july jump june jungle junior jury just kangaroo keen keep kettle key keyboard kick kid kind king kingdom
kiss kitchen kite kitten kiwi knee knife knight knock knot know koala label lace ladder lady lake lamb lamp land
language lantern large laser last late laugh laundry lava lawn lawyer lazy leader leaf learn leather leave lemon lend
leopard lesson letter lettuce level library life lift light lily lime line linen lion lip liquid list listen little
live lizard llama loaf lobster local lock log lonely long look loop lost lotus loud love lovely low loyal lucky lumber
lunch lung lynx machine magic magnet mail main make mammal manager mango map maple marble march margin market mask mason
master match math matter meadow meal mean measure meat medal medicine medium meet melody melon melt member memory mend
menu merry message metal meteor middle midnight mild milk mill million mind mineral minute mirror mist mix model modern
moment monday money monkey monster month moon moose morning mosquito moss mother motion motor mountain mouse mouth move
movie mud muffin mug mule muscle museum mushroom music musician mustard mystery nail name narrow nation native nature
near neat neck necklace needle neighbor nephew nerve nest net never new news next nice niece night nine noble noise
noodle noon north nose note notebook nothing novel november now number nurse nut oak oasis oat object ocean october
octopus odd offer office often oil old olive omelet once onion only open opera orange orbit orchard orchid order organ
origin ostrich other otter outdoor outside oval oven over owl owner oxygen oyster pack paddle page pail paint painter
pair palace palm pan panda panel panther paper parade parcel parent park parrot part partner party pass past pasta
paste patch path patient pattern pause paw pay peace peach peacock peak peanut pear pearl pebble pelican pen pencil
penguin people pepper perfect person phone photo piano pick picnic picture pie piece pig pigeon pillow pilot pine pink
pipe pirate pizza place plain plan planet plant plastic plate play player please plenty plow plum pocket poem poet point
polar police polite pond pony pool poor popcorn popular porch port positive possible post potato pottery pound powder
power prairie present pretty price pride priest prince princess print prison prize problem produce project promise proof
proud public puddle pull pump pumpkin pupil puppet puppy pure purple purpose push puzzle pyramid python quail quality
quarter queen quest question quick quiet quilt quite rabbit raccoon race radar radio radish raft rail rain rainbow raise
raisin ranch range rapid rare raspberry rat raven raw reach read ready real reason receipt recipe record red reef
refuse region regular relax remain remember remote rent repair repeat reply report rescue respect rest result return
reward rhino rhythm ribbon rice rich riddle ride right ring ripe rise river road roast robin robot rock rocket role roll
roof room rooster root rope rose rough round route row royal rubber ruby rug ruler run saddle safe sail sailor salad
salmon salt sample sand sandal sandwich saturday sauce sausage save saw scale scarf school science scissors scooter
score scout screen sea seal search season seat second secret section seed seek select send senior sense september serve
service seven shade shadow shake shallow shape share shark sharp sheep sheet shelf shell shelter shield shine ship
shirt shock shoe shop shore short shoulder shout shovel show shower shrimp shy side sign signal silence silk silver
simple sing singer sister six size skate sketch skill skin skirt sky sleep sleeve slice slide slim slow small smart
smell smile smoke smooth snack snail snake snow soap soccer sock sofa soft soil soldier solid song soon sorry sound soup
sour south space spade sparrow speak special speech speed spell spend spice spider spin spinach spirit spoon sport spot
spring square squash squirrel stable stage stair stamp stand star start state station statue stay steady steak steam
steel stem step stick stone stool stop store stork storm story stove straight strange straw strawberry stream street
strong student studio study sturdy style sugar suit summer sun sunday sunflower sunny supper sure surf surprise swallow
swamp swan sweater sweet swim swing sword symbol syrup system table tail tailor take talent talk tall tape target task
taste taxi tea teach teacher team tear temple ten tender tenon tennis tent test thank theater thick thin thing think
third thirsty thirty thread three throat throne thumb thunder thursday ticket tide tidy tie tiger tight tile timber time
tin tiny tired title toad toast today toe together token tomato tomorrow tongue tonight tool tooth top torch tornado
tortoise total touch tower town toy track tractor trade traffic trail train travel tray treasure treat tree triangle
tribe trick trip trophy truck true trumpet trunk trust truth try tube tuesday tulip tuna tunnel turkey turn turnip
turtle twelve twenty twin twist two ugly umbrella uncle under uniform unique universe until upon upper useful usual
vacation valley value van vanilla vase vegetable velvet vest victory video view village vine violet violin visit voice
volcano volume vote vowel voyage vulture wagon waist wait waiter walk wall wallet walnut walrus warm wash wasp watch
water wave wax weak weather web wedding wednesday week weight welcome west whale wheat wheel whisper whistle white whole
wide wife wild willow win wind window wine wing winner winter wire wisdom wise wish wizard wolf woman wonder wood wool
word work worker world worm worry worth wrap wrist write writer wrong yard yarn year yellow yesterday yogurt young youth
zebra zero zigzag zinc zone zoo
""".split()))

NAMES = """
Anna Maria Sofia Laura Elena Clara Julia Emma Olivia Lucy Alice Sarah Hannah Nora Ella Grace Ruby Chloe Zoe Eva Irene
Marta Paula Lucia Carmen Ines Rosa Teresa Diana Monica Sara Lena Nina Mia Lea Amelie Camille Manon Louise Juliette Ingrid
Astrid Freya Sigrid Elsa Maja Karin Helga Greta Heidi Petra Katya Olga Natasha Irina Daria Yuki Sakura Hana Aiko Mei Lin
Xia Priya Anika Leila Fatima Amina Zainab Aisha Noor Yara Salma Tom Ben Adam Jack Harry Oscar Leo Max Felix Hugo Paul
Peter Mark Luke John James David Daniel Samuel Noah Liam Ethan Lucas Mason Henry Oliver George Arthur Victor Martin Simon
Robert Thomas Carlos Diego Pablo Miguel Javier Rafael Pedro Joao Bruno Marco Luca Matteo Andrea Giovanni Paolo Pierre
Louis Antoine Nicolas Julien Hans Karl Otto Jonas Stefan Lars Erik Sven Bjorn Olaf Nils Anders Ivan Boris Dmitri Sergei
Viktor Kenji Hiro Takeshi Akira Wei Chen Ming Raj Arjun Vikram Omar Ali Hassan Yusuf Karim Tariq Samir Kofi Kwame Tunde
""".split()

CITIES = """
Lisbon|Porto|Madrid|Barcelona|Seville|Valencia|Paris|Lyon|Nice|Bordeaux|London|Oxford|Leeds|Bristol|Dublin|Cork|Berlin|
Munich|Hamburg|Cologne|Dresden|Vienna|Graz|Zurich|Geneva|Basel|Rome|Milan|Turin|Naples|Florence|Venice|Athens|Prague|Brno|
Warsaw|Krakow|Budapest|Bucharest|Sofia|Belgrade|Zagreb|Oslo|Bergen|Stockholm|Malmo|Copenhagen|Aarhus|Helsinki|Tampere|
Tallinn|Riga|Vilnius|Amsterdam|Utrecht|Rotterdam|Brussels|Antwerp|Ghent|Moscow|Kyiv|Istanbul|Ankara|Izmir|Cairo|
Alexandria|Tunis|Casablanca|Marrakesh|Lagos|Accra|Nairobi|Kampala|Cape Town|Durban|Johannesburg|Dubai|Doha|Tehran|Delhi|
Mumbai|Chennai|Kolkata|Pune|Karachi|Lahore|Dhaka|Bangkok|Hanoi|Singapore|Jakarta|Manila|Seoul|Busan|Tokyo|Osaka|Kyoto|
Sapporo|Beijing|Shanghai|Shenzhen|Chengdu|Taipei|Hong Kong|Sydney|Melbourne|Perth|Brisbane|Auckland|Wellington|Toronto|
Montreal|Vancouver|Ottawa|Calgary|New York|Boston|Chicago|Seattle|Denver|Dallas|Houston|Austin|Miami|Atlanta|Phoenix|
San Francisco|Los Angeles|San Diego|Portland|Detroit|Mexico City|Havana|Lima|Quito|Bogota|Santiago|Buenos Aires|
Montevideo|Rio de Janeiro|Sao Paulo|Brasilia|Salvador|Recife
""".replace("\n", "").split("|")

JOBS = """
teacher|doctor|nurse|farmer|baker|painter|driver|pilot|lawyer|writer|singer|dentist|engineer|carpenter|plumber|chef|
waiter|gardener|tailor|librarian|student|programmer|photographer|musician|architect|mechanic|butcher|fisherman|actor|
journalist|scientist|biologist|chemist|electrician|judge|soldier|sailor|translator|accountant|designer
""".replace("\n", "").split("|")

PRODUCTS = """
apples|pears|lemons|oranges|bananas|tomatoes|potatoes|onions|carrots|eggs|books|pencils|notebooks|chairs|tables|lamps|
candles|cups|plates|spoons|bottles|shirts|socks|shoes|hats|gloves|towels|pillows|blankets|batteries|tickets|stamps|keys|
boxes|bags|balls|ropes|nails|hammers|cookies
""".replace("\n", "").split("|")

COLORS = "red blue green yellow black white brown orange purple pink gray silver".split()

PETS = "dog cat rabbit hamster parrot horse goat pony turtle lizard duck goose donkey fish".split()

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

ROOMS = "kitchen|bedroom|bathroom|garage|office|hall|garden|cellar|attic|living room|dining room".split("|")

LANGUAGES = "Spanish French German Italian Portuguese Dutch Swedish Polish Turkish Japanese Korean Greek Finnish".split()

CURRENCIES = "USD EUR GBP JPY CHF SEK NOK DKK PLN CAD AUD NZD BRL MXN INR CNY KRW TRY ZAR".split()

CONDITIONS = """
sunny|cloudy|rainy|windy|foggy|snowy|stormy|clear|humid|partly cloudy|light rain|heavy rain|overcast
""".strip().split("|")
